package awsapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
)

// The SDK's clients are generated from AWS's service models. These tests run each operation with this package and
// with the SDK. Both must send the same request, and read the same values from the same response.

// An operation is an AWS action, in one of the variants in which this package calls it.
type operation struct {
	action  string // AWS's name
	variant string // empty if there is only one
	pages   []string
	refused []cannedResponse
	ours    func(context.Context, comparison) (any, error)
	sdk     func(context.Context, comparison) (any, error)
}

// A cannedResponse is a response of the test server.
type cannedResponse struct {
	status    int
	errorType string // header X-Amzn-ErrorType; may be empty
	body      string
}

// A comparison holds the endpoint and the credentials that both sides use.
type comparison struct {
	*testing.T
	api *Client
	at  Target
	by  aws.Credentials
	key ProofKey
}

func (o comparison) signer() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(o.by.AccessKeyID, o.by.SecretAccessKey, o.by.SessionToken)
}

// differingHeaders lists headers that may differ or be missing on one side, and the reason.
var differingHeaders = map[string]string{
	"User-Agent":            "it names the program, and not the machine and the languages",
	"Amz-Sdk-Invocation-Id": "it lets AWS count the tries of the SDK's users",
	"Amz-Sdk-Request":       "as that",
	"Content-Length":        "it follows from how JSON is spelled, which is compared by its values",
}

// A sentRequest holds the parts of a request that are compared.
type sentRequest struct {
	Method, Path string
	Query        url.Values
	Header       map[string]string // headers with comparable values
	Signed       []string          // names of the signed headers
	Scope        string            // key ID, region and service of the signature
	Proof        []map[string]any  // header and claims of the DPoP proof
	Body         any               // form values, or decoded JSON
}

func newSentRequest(t *testing.T, r *http.Request) sentRequest {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	s := sentRequest{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Header: map[string]string{}}
	switch kind := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		s.Body, err = url.ParseQuery(string(body))
	case len(body) > 0:
		err = json.Unmarshal(body, &s.Body)
	}
	if err != nil {
		t.Errorf("the body is neither a form nor JSON: %v", err)
	}
	for name, values := range r.Header {
		value := strings.Join(values, ", ")
		switch name {
		case "X-Amz-Date":
			value = "the time"
		case "Authorization":
			s.Signed, s.Scope = signatureOf(value)
			continue
		case "Dpop":
			s.Proof = proofOf(t, value)
			continue
		}
		if differingHeaders[name] == "" {
			s.Header[name] = value
		}
	}
	return s
}

// signatureOf returns the names of the signed headers, and the scope without the date.
func signatureOf(authorization string) (names []string, scope string) {
	for part := range strings.FieldsFuncSeq(authorization, func(c rune) bool { return c == ' ' || c == ',' }) {
		if list, ok := strings.CutPrefix(part, "SignedHeaders="); ok {
			names = slices.DeleteFunc(strings.Split(list, ";"), func(name string) bool { return differingHeaders[http.CanonicalHeaderKey(name)] != "" })
		}
		if text, ok := strings.CutPrefix(part, "Credential="); ok {
			p := strings.Split(text, "/")
			scope = strings.Join(append(p[:1:1], p[2:]...), "/")
		}
	}
	return names, scope
}

// proofOf decodes a DPoP proof. It replaces values that differ in each call with their types.
func proofOf(t *testing.T, proof string) (parts []map[string]any) {
	t.Helper()
	text := strings.Split(proof, ".")
	for _, part := range text[:len(text)-1] {
		var values map[string]any
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || json.Unmarshal(raw, &values) != nil {
			t.Errorf("%q is no part of a proof", part)
		}
		for _, name := range []string{"jti", "iat"} {
			if values[name] != nil {
				values[name] = reflect.TypeOf(values[name]).String()
			}
		}
		parts = append(parts, values)
	}
	return parts
}

// A parsedResponse is what one side reads from a response.
type parsedResponse struct {
	Value         any
	Code, Message string
	Status        int
}

// ourResponse returns what this package read from a response.
func ourResponse(t *testing.T, value any, err error) parsedResponse {
	t.Helper()
	var refused *APIError
	switch {
	case err == nil:
		return parsedResponse{Value: value}
	case errors.As(err, &refused):
		return parsedResponse{Code: refused.Code, Message: refused.Message, Status: refused.Status}
	}
	t.Errorf("we fail with %v", err)
	return parsedResponse{}
}

// sdkUnknownError is the SDK's code and message if the response has none.
const sdkUnknownError = "UnknownError"

// sdkResponse returns what the SDK read from a response. It reads the OAuth members error and error_description if
// the model has them.
func sdkResponse(t *testing.T, value any, err error) parsedResponse {
	t.Helper()
	if err == nil {
		return parsedResponse{Value: value}
	}
	var refused smithy.APIError
	var resp *awshttp.ResponseError
	switch {
	case !errors.As(err, &resp):
		t.Errorf("the SDK fails with %v", err)
		return parsedResponse{}
	case !errors.As(err, &refused): // the SDK cannot read an error response without a body
		return parsedResponse{Status: resp.HTTPStatusCode()}
	}
	o := parsedResponse{Code: strings.Replace(refused.ErrorCode(), sdkUnknownError, "", 1), Message: strings.Replace(refused.ErrorMessage(), sdkUnknownError, "", 1), Status: resp.HTTPStatusCode()}
	fields := reflect.Indirect(reflect.ValueOf(refused))
	if text := fields.FieldByName("Error_description"); text.IsValid() && !text.IsNil() && o.Message == "" {
		o.Message = text.Elem().String()
	}
	if reason := fields.FieldByName("Error_"); reason.IsValid() && reason.Kind() == reflect.String && reason.String() != "" {
		o.Code = reason.String() // the sign-in's own error code; see LoginEnded
	}
	return o
}

// compare runs the operation on both sides. The server answers with pages in order, and repeats the last one.
func (op operation) compare(t *testing.T, pages []cannedResponse) {
	t.Helper()
	var seen []sentRequest
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := pages[min(len(seen), len(pages)-1)]
		seen = append(seen, newSentRequest(t, r))
		kind := "application/json"
		if strings.HasPrefix(page.body, "<") {
			kind = "text/xml"
		}
		w.Header().Set("Content-Type", kind)
		if page.errorType != "" {
			w.Header().Set("X-Amzn-Errortype", page.errorType)
		}
		w.WriteHeader(page.status)
		io.WriteString(w, page.body)
	}))
	defer server.Close()
	o := comparison{
		T: t, key: comparisonKey(t),
		api: &Client{
			Clock: &Clock{Local: func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }}, Network: &Network{},
			Backoff: func(int, error) time.Duration { return 0 }, Sleep: func(context.Context, time.Duration) error { return nil },
		},
		at: Target{Region: "eu-west-1", Endpoint: Endpoint{URL: server.URL + "/base"}},
		by: aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "EXAMPLESECRET", SessionToken: "EXAMPLE/TOKEN+="},
	}
	value, err := op.sdk(t.Context(), o)
	want, wantSent := sdkResponse(t, value, err), seen
	seen = nil
	value, err = op.ours(t.Context(), o)
	got := ourResponse(t, value, err)
	if len(wantSent) == 0 || len(seen) < len(wantSent) || len(seen) > len(wantSent) && want.Status == 0 {
		t.Fatalf("we send %d requests, the SDK %d", len(seen), len(wantSent))
	}
	for i, s := range seen { // this package may retry, the SDK does not
		if w := wantSent[min(i, len(wantSent)-1)]; !reflect.DeepEqual(s, w) {
			t.Errorf("we send\n%s\nthe SDK\n%s", jsonText(s), jsonText(w))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("of %s %q we read\n%s\nthe SDK\n%s", pages[0].errorType, pages[0].body, jsonText(got), jsonText(want))
	}
}

// operations returns all operations of this package. Together they use every parameter.
func operations() []operation {
	return slices.Concat(queryOperations(), restOperations(), loginOperations())
}

func jsonText(v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestOperationsMatchTheSDK(t *testing.T) {
	compared, answers := map[string]bool{}, 0
	for _, op := range operations() {
		compared[op.action] = true
		t.Run(strings.TrimSpace(op.action+" "+op.variant), func(t *testing.T) {
			var pages []cannedResponse
			for _, body := range op.pages {
				pages = append(pages, cannedResponse{status: http.StatusOK, body: body})
			}
			op.compare(t, pages)
			for _, r := range op.refused {
				op.compare(t, []cannedResponse{r})
			}
			answers += 1 + len(op.refused)
		})
	}
	t.Logf("%d operations in %d forms were compared, and what is read of %d answers", len(compared), len(operations()), answers)
	found := actions(t)
	for _, action := range found {
		if !compared[action] && notCompared[action] == "" {
			t.Errorf("%s is called, and compared with nothing", action)
		}
	}
	for action := range notCompared {
		if compared[action] || !slices.Contains(found, action) {
			t.Errorf("%s is listed as not compared, and is or is not called", action)
		}
	}
	for action := range compared {
		if !slices.Contains(found, action) {
			t.Errorf("%s is compared, and not called", action)
		}
	}
}
