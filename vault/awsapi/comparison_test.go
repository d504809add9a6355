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

// An operation is one way in which this package calls an AWS action.
type operation struct {
	action  string           // the name that AWS uses
	variant string           // description of the way; empty if there is only one way
	pages   []string         // bodies of the successful responses, in order
	refused []cannedResponse // error responses
	ours    func(context.Context, comparison) (any, error)
	sdk     func(context.Context, comparison) (any, error)
}

// A cannedResponse is a response of the test server.
type cannedResponse struct {
	status    int
	errorType string // header X-Amzn-ErrorType; may be empty
	body      string
}

// A comparison holds the endpoint and the credentials that this package and the SDK use.
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

// differingHeaders lists the headers that may differ or be missing in one of the two requests. Each header is
// mapped to the reason.
var differingHeaders = map[string]string{
	"User-Agent":            "this package sends only its name; the SDK also sends the versions of the system and the language",
	"Amz-Sdk-Invocation-Id": "only the SDK numbers its calls and attempts",
	"Amz-Sdk-Request":       "only the SDK numbers its calls and attempts",
	"Content-Length":        "JSON may be formatted differently; its values are compared",
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

// signatureOf returns the names of the signed headers in an Authorization header, and the credential scope without
// its date.
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

// proofOf decodes a DPoP proof. It replaces each value that differs from call to call with the name of its type.
func proofOf(t *testing.T, proof string) (parts []map[string]any) {
	t.Helper()
	text := strings.Split(proof, ".")
	for _, part := range text[:len(text)-1] {
		var values map[string]any
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || json.Unmarshal(raw, &values) != nil {
			t.Errorf("part %q of the proof cannot be decoded", part)
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

// A parsedResponse holds the values that this package or the SDK reads from a response.
type parsedResponse struct {
	Value         any
	Code, Message string
	Status        int
}

// ourResponse converts the results of a function of this package to a parsedResponse.
func ourResponse(t *testing.T, value any, err error) parsedResponse {
	t.Helper()
	var refused *APIError
	switch {
	case err == nil:
		return parsedResponse{Value: value}
	case errors.As(err, &refused):
		return parsedResponse{Code: refused.Code, Message: refused.Message, Status: refused.Status}
	}
	t.Errorf("this package returned an unexpected error: %v", err)
	return parsedResponse{}
}

// sdkUnknownError is the code or message that the SDK sets if the response has none.
const sdkUnknownError = "UnknownError"

// sdkResponse converts the results of a function of the SDK to a parsedResponse. If the SDK's error type has the
// OAuth members error and error_description, sdkResponse uses their values.
func sdkResponse(t *testing.T, value any, err error) parsedResponse {
	t.Helper()
	if err == nil {
		return parsedResponse{Value: value}
	}
	var refused smithy.APIError
	var resp *awshttp.ResponseError
	switch {
	case !errors.As(err, &resp):
		t.Errorf("the SDK returned an unexpected error: %v", err)
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
		o.Code = reason.String() // an error code of aws login; see LoginEnded
	}
	return o
}

// compare runs the operation with the SDK and with this package. For each request, a test server sends the next of
// the pages. After the last page, it sends the last page again.
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
		t.Fatalf("this package sent %d requests, the SDK %d", len(seen), len(wantSent))
	}
	for i, s := range seen { // this package may repeat a request that the SDK sends only once
		if w := wantSent[min(i, len(wantSent)-1)]; !reflect.DeepEqual(s, w) {
			t.Errorf("this package sent\n%s\nthe SDK sent\n%s", jsonText(s), jsonText(w))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("response %s %q: this package read\n%s\nthe SDK read\n%s", pages[0].errorType, pages[0].body, jsonText(got), jsonText(want))
	}
}

// operations returns all operations of this package. Together they send every parameter that this
// package can send.
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
	compared, responses := map[string]bool{}, 0
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
			responses += 1 + len(op.refused)
		})
	}
	t.Logf("compared %d actions, in %d operations with %d responses", len(compared), len(operations()), responses)
	found := actions(t)
	for _, action := range found {
		if !compared[action] && notCompared[action] == "" {
			t.Errorf("%s is called, but is neither compared nor in notCompared", action)
		}
	}
	for action := range notCompared {
		if compared[action] || !slices.Contains(found, action) {
			t.Errorf("%s is in notCompared, but is compared or never called", action)
		}
	}
	for action := range compared {
		if !slices.Contains(found, action) {
			t.Errorf("%s is compared, but never called", action)
		}
	}
}
