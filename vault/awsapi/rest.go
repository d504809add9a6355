package awsapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// A restRequest is a request in the REST protocol of Identity Center.
type restRequest struct {
	method string
	url    string
	query  url.Values
	header map[string]string
	in     any // value that is sent as JSON; nil means no body
}

// rest makes a call in AWS's REST protocol with JSON, which Identity Center uses. It decodes the response into out,
// if out is not nil.
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
func (api *Client) rest(ctx context.Context, c call, a restRequest, out any) error {
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
	var got response
	err := api.try(ctx, c.retries, false, func() (err error) {
		got, err = api.send(ctx, c.client, q, readJSONError)
		return err
	})
	if err != nil || out == nil {
		return err
	}
	if json.Unmarshal(got.body, out) != nil { // the error is not returned, since it may quote the response
		return got.unreadable
	}
	return nil
}

// readJSONError reads the code and message of an error response into e. If body has no message, e.message stays empty.
// The sign-in services may return the message in OAuth's member error_description.
func readJSONError(e *refusal, h http.Header, body []byte) {
	var response struct {
		Type        string `json:"__type"`
		Code        string `json:"code"`
		Message     string `json:"message"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(body, &response) // the body may be empty or unreadable
	for _, code := range []string{h.Get("X-Amzn-ErrorType"), response.Code, response.Type} {
		code, _, _ = strings.Cut(code, ":")
		if e.code = code[strings.LastIndexByte(code, '#')+1:]; e.code != "" {
			break
		}
	}
	if e.message = response.Message; e.message == "" {
		e.message = response.Description
	}
}
