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

// maxAnswer bounds what is read of an answer, in bytes; what STS says is a hundredth of it.
const maxAnswer = 1 << 20

// NotAWSError is returned for an answer that no service of AWS gives: a captive portal's,
// a proxy's, or half of one.
type NotAWSError struct {
	Endpoint string // scheme and host
	Type     string // media type, as far as the answer says
	Size     int    // bytes; one more than are read of an answer that is larger
	Status   int    // of HTTP
	Cut      bool   // it begins as AWS's do and breaks off, or has not begun
}

func (e *NotAWSError) Error() string {
	if e.Cut {
		return fmt.Sprintf("%s answered with something that breaks off after %s", e.Endpoint, Size(e.Size))
	}
	return fmt.Sprintf("%s answered with something that is not AWS's (%s, %s): a proxy or a sign-in page?", e.Endpoint, e.Type, Size(e.Size))
}

// RetryableError reports whether another try may be answered by AWS: half of its answer came, or a machine on the way
// said that it cannot answer now, as load balancers do in HTML. A sign-in page stays where it is. The SDK's retryer
// calls it too.
func (e *NotAWSError) RetryableError() bool {
	return e.Cut || e.Status >= http.StatusInternalServerError
}

// Size is a number of bytes, for people.
func Size(n int) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1000)
}

// A form is how a service writes its answers.
type form int

const (
	formXML   form = iota // STS
	formJSON              // Identity Center and sign-in
	formPlain             // JSON whatever its media type says: the console's federation endpoint
)

// checked is a transport that lets only answers through which AWS could have given. They
// are read whole, so that half of one is noticed here.
type checked struct {
	next http.RoundTripper
	form form
}

// RoundTrip returns a [*NotAWSError] for an answer of anyone else.
func (t *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := drain(resp)
	if err != nil {
		return nil, err
	}
	e := &NotAWSError{Endpoint: Site(r.URL), Type: mediaType(resp.Header), Size: len(body), Status: resp.StatusCode}
	said := strings.TrimSpace(string(body)) != ""
	switch {
	case len(body) > maxAnswer:
		return nil, e
	case !said && (resp.StatusCode >= http.StatusBadRequest || t.form != formXML): // a refusal without a word is still one
		return resp, nil
	case !t.form.is(e.Type):
		return nil, e
	}
	whole, begun := t.form.read(body)
	if whole && begun {
		return resp, nil
	}
	e.Cut = !whole && (!said || begun)
	return nil, e
}

// is reports whether a media type says that an answer has the form.
func (f form) is(kind string) bool {
	switch f {
	case formXML:
		return isXML(kind)
	case formPlain:
		return true
	}
	return strings.HasPrefix(kind, "application/") && strings.Contains(kind, "json")
}

// read reports whether a text ends where it should, and whether it begins as an answer
// does.
func (f form) read(body []byte) (whole, begun bool) {
	if f != formXML {
		return json.Valid(body), bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
	}
	root, whole := outline(body)
	return whole, strings.HasSuffix(root, "Response")
}

// drain reads an answer whole, up to one byte more than maxAnswer, and puts what it read
// in its body's place.
func drain(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	resp.Body.Close()
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return body, err
}

// mediaType is what an answer says it is, in few characters.
func mediaType(h http.Header) string {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind == "" {
		return "no type"
	}
	return kind[:min(len(kind), 60)]
}

func isXML(kind string) bool { return kind == "text/xml" || kind == "application/xml" }

// outline returns the name of the outermost element of an XML text, as far as there is
// one, and whether the text ends where it should.
func outline(text []byte) (root string, whole bool) {
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
