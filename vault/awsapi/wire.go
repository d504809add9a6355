package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

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

// maxTries is how often a call is made that may go better later.
const maxTries = 3

// try makes a call, and makes it again where that may help.
func (api *Client) try(ctx context.Context, once bool, call func() error) error {
	for n := 1; ; n++ {
		err := call()
		if err == nil || once || n == maxTries || ctx.Err() != nil || !passes(err) {
			return err
		}
		wait := jittered(n)
		if api.Backoff != nil {
			wait = api.Backoff(n, err)
		}
		if wait > 0 && api.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// maxBackoff is the longest wait before a call is tried again.
const maxBackoff = 5 * time.Second

// jittered is how long to wait after the n-th try: a random part of a time that doubles,
// so that those who failed together do not come back together.
func jittered(n int) time.Duration { return rand.N(min(time.Second<<(n-1), maxBackoff)) }

// passes reports whether what went wrong may go better soon.
func passes(err error) bool {
	var foreign *NotAWSError
	var no *refusal
	switch {
	case errors.As(err, &foreign):
		return foreign.Passes()
	case errors.As(err, &no):
		return busy(no.status, no.code)
	}
	return lost(err)
}

// busy reports whether AWS refused for a reason that passes.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func busy(status int, code string) bool {
	switch code {
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException",
		"RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
		"RequestTimeout", "RequestTimeoutException", "IDPCommunicationError":
		return true
	}
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// lost reports whether the network failed, rather than what was asked of it: a name that
// does not exist or a certificate that is not trusted stays so.
func lost(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	var sending *url.Error
	switch {
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.As(err, &op):
		return op.Op == "dial" || op.Op == "read" || op.Op == "write"
	}
	return errors.As(err, &sending) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || sending.Timeout())
}
