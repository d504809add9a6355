package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// An answered request is what came back to one that was signed here.
type answered struct {
	status int
	header http.Header
	body   []byte
	heard  bool // by someone who proved who they are, or on this machine
}

// code is AWS's name for an error.
func (a answered) code() string {
	code, _, _ := strings.Cut(a.header.Get("X-Amzn-Errortype"), ":")
	return code
}

// busy reports whether AWS could not answer now.
func (a answered) busy() bool {
	return a.status >= http.StatusInternalServerError || a.status == http.StatusTooManyRequests
}

// postTries is how often a request is sent that was not answered.
const postTries = 3

// post sends a signed request, and sends it again where nobody could answer. Its signature
// holds for minutes.
func (d *Deps) post(ctx context.Context, hc *http.Client, r *http.Request, body []byte) (answered, error) {
	for try := 1; ; try++ {
		again := r.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		a, err := exchange(hc, again)
		if err == nil && !a.busy() || try == postTries || ctx.Err() != nil || foreign(err) {
			return a, err
		}
		if d.Sleep(ctx, time.Duration(try)*time.Second) != nil {
			return a, err
		}
	}
}

// foreign reports whether an answer is of somebody who would give it again.
func foreign(err error) bool {
	var e *NotAWSError
	return errors.As(err, &e) && !e.RetryableError()
}

func exchange(hc *http.Client, r *http.Request) (answered, error) {
	resp, err := hc.Do(r)
	if err != nil {
		return answered{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // whole and bounded: see checked
	if err != nil {
		return answered{}, err
	}
	return answered{resp.StatusCode, resp.Header, body, resp.TLS != nil || isLoopback(r.URL.Hostname())}, nil
}
