package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The few calls that this program makes are written to the wire here, in AWS's two
// protocols, and not by the SDK's clients of the services: those cost half of a
// millisecond at every start and two megabytes.

// A request is what is sent for a call.
type request struct {
	method string
	url    string
	header map[string]string
	body   []byte
	at     address         // what the signature names
	signer aws.Credentials // who signs; none where AWS takes the call unsigned
}

// An answer is what AWS said to a request that it carried out.
type answer struct {
	header http.Header
	body   []byte
	from   *NotAWSError // what is returned if the answer cannot be made sense of
}

// A refusal is AWS's answer to a request that it did not carry out.
type refusal struct {
	status        int
	code, message string
	date          string // when it was given, by AWS's clock
	proven        bool   // it came over TLS or from this machine
}

func (e *refusal) Error() string { return fmt.Sprintf("HTTP %d %s", e.status, e.code) }

// ErrorCode and HTTPStatusCode are what the SDK's retryer looks at.
func (e *refusal) ErrorCode() string { return e.code }

func (e *refusal) HTTPStatusCode() int { return e.status }

// send sends a request once. It returns a *refusal for AWS's refusal, whose code and
// message are left to read to said.
func (api *Client) send(ctx context.Context, hc *http.Client, q request, said func(*refusal, http.Header, []byte)) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, q.url, bytes.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	r.Header.Set("User-Agent", "aws-vault")
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if q.signer.HasKeys() {
		hash := sha256.Sum256(q.body)
		if err := v4.NewSigner().SignHTTP(ctx, q.signer, r, hex.EncodeToString(hash[:]), q.at.service, q.at.region, api.Clock.Now()); err != nil {
			return answer{}, err
		}
	}
	resp, err := hc.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // whole and bounded: see checked
	if err != nil {
		return answer{}, err
	}
	if resp.StatusCode/100 != 2 {
		e := &refusal{
			status: resp.StatusCode, date: resp.Header.Get("Date"),
			proven: proven(r.URL, resp.TLS != nil),
		}
		said(e, resp.Header, body)
		return answer{}, e
	}
	from := &NotAWSError{Endpoint: Site(r.URL), Type: mediaType(resp.Header), Size: len(body), Status: resp.StatusCode}
	return answer{resp.Header, body, from}, nil
}

// proven reports whether what comes from a URL is known to come from there.
func proven(u *url.URL, encrypted bool) bool { return encrypted || IsLoopback(u.Hostname()) }
