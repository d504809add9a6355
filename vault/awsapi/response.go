package awsapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxResponseSize is the largest accepted size of a response, in bytes. An STS response has a few kB.
const maxResponseSize = 1 << 20

// NotAWSError reports that a response is not a complete response from AWS. The response may be truncated, or be the
// page of a captive portal or a proxy.
type NotAWSError struct {
	Endpoint  string // scheme and host of the endpoint
	MediaType string // type in the Content-Type header, or "no type"
	Size      int    // length of the body in bytes, at most maxResponseSize+1
	Status    int    // HTTP status code
	Truncated bool   // whether the body is empty, or begins like an AWS response but is incomplete
}

func (e *NotAWSError) Error() string {
	if e.Truncated {
		return fmt.Sprintf("%s sent an incomplete response (%s)", e.Endpoint, FormatSize(e.Size))
	}
	return fmt.Sprintf("%s sent a response that is not from AWS (%s, %s); a proxy or a network's sign-in page may have sent it", e.Endpoint, e.MediaType, FormatSize(e.Size))
}

// RetryableError reports whether it is useful to send the request again. It returns true for a truncated response, and
// for a server error, which may come from a load balancer or proxy. It returns false for other pages, because a captive
// portal would send the same page again. The SDK's retryer also calls this method.
func (e *NotAWSError) RetryableError() bool {
	return e.Truncated || e.Status >= http.StatusInternalServerError
}

// FormatSize formats a number of bytes for messages, such as "512 bytes" or "1.5 kB".
func FormatSize(n int) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1000)
}

// A form is the format of a service's responses.
type form int

const (
	formXML     form = iota // XML: STS and IAM
	formJSON                // JSON: Identity Center and aws login
	formAnyJSON             // JSON with any media type: the console's federation endpoint
)

// An awsTransport refuses responses that do not look like AWS's. It reads the whole body, because only then can it
// detect a truncated response.
type awsTransport struct {
	next http.RoundTripper
	form form
}

// RoundTrip returns a [*NotAWSError] if the response does not look like AWS's.
func (t *awsTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(resp)
	if err != nil {
		return nil, err
	}
	e := &NotAWSError{Endpoint: BaseOf(r.URL), MediaType: mediaType(resp.Header), Size: len(body), Status: resp.StatusCode}
	hasText := strings.TrimSpace(string(body)) != ""
	switch {
	case len(body) > maxResponseSize:
		return nil, e
	case !hasText && (resp.StatusCode >= http.StatusBadRequest || t.form != formXML): // an error response may have no body
		return resp, nil
	case !t.form.matches(e.MediaType):
		return nil, e
	}
	complete, started := t.form.inspect(body)
	if complete && started {
		return resp, nil
	}
	e.Truncated = !complete && (!hasText || started)
	return nil, e
}

// matches reports whether a media type belongs to the format f.
func (f form) matches(mediaType string) bool {
	switch f {
	case formXML:
		return isXML(mediaType)
	case formAnyJSON:
		return true
	}
	return strings.HasPrefix(mediaType, "application/") && strings.Contains(mediaType, "json")
}

// inspect reports whether body is complete, and whether it begins like a response in the format f.
func (f form) inspect(body []byte) (complete, started bool) {
	if f != formXML {
		return json.Valid(body), bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
	}
	root, complete := xmlRoot(body)
	return complete, strings.HasSuffix(root, "Response")
}

// readBody reads and closes the body of resp. It returns at most maxResponseSize+1 bytes, and sets resp.Body to a
// reader of the same bytes.
func readBody(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseSize+1))
	resp.Body.Close()
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return body, err
}

// mediaType returns the media type in the Content-Type header, shortened to 60 bytes, or "no type".
func mediaType(h http.Header) string {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind == "" {
		return "no type"
	}
	return kind[:min(len(kind), 60)]
}

func isXML(kind string) bool { return kind == "text/xml" || kind == "application/xml" }

// xmlRoot returns the name of the outermost element of text, or "" if no element was found. It also
// reports whether that element is complete.
func xmlRoot(text []byte) (root string, complete bool) {
	dec := xml.NewDecoder(bytes.NewReader(text))
	depth := 0
	for {
		t, err := dec.RawToken()
		if err != nil {
			return root, errors.Is(err, io.EOF) && root != "" && depth == 0
		}
		switch t := t.(type) {
		case xml.StartElement:
			if root == "" {
				root = t.Name.Local
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}
