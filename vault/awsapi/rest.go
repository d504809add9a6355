package awsapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// An ask is a call in the protocol that Identity Center speaks.
type ask struct {
	method string
	url    string
	query  url.Values
	header map[string]string
	in     any // sent as JSON; nil for nothing
}

// rest makes a call in the protocol that Identity Center speaks: JSON both ways. What it
// answers is read into out; nil for nothing.
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
func (api *Client) rest(ctx context.Context, c call, a ask, out any) error {
	q := request{method: a.method, url: a.url, header: map[string]string{}}
	for name, value := range a.header {
		q.header[name] = value
	}
	if len(a.query) > 0 {
		q.url += "?" + a.query.Encode()
	}
	if a.in != nil {
		var err error
		if q.body, err = json.Marshal(a.in); err != nil {
			return err
		}
		q.header["Content-Type"] = "application/json"
	}
	var got answer
	err := api.try(ctx, c.retries, false, func() (err error) {
		got, err = api.send(ctx, c.client, q, readJSONError)
		return err
	})
	if err != nil || out == nil {
		return err
	}
	if json.Unmarshal(got.body, out) != nil { // what the parser says may quote the answer
		return got.from
	}
	return nil
}

// readJSONError reads what AWS says of a refusal, if anything. The sign-in says it as
// OAuth does, too.
func readJSONError(e *refusal, h http.Header, body []byte) {
	var said struct {
		Type        string `json:"__type"`
		Code        string `json:"code"`
		Message     string `json:"message"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(body, &said) // an answer without a word is a refusal as well
	for _, code := range []string{h.Get("X-Amzn-ErrorType"), said.Code, said.Type} {
		code, _, _ = strings.Cut(code, ":")
		if e.code = code[strings.LastIndexByte(code, '#')+1:]; e.code != "" {
			break
		}
	}
	if e.message = said.Message; e.message == "" {
		e.message = said.Description
	}
}
