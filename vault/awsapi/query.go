package awsapi

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// API versions of the services that use AWS's query protocol.
const (
	versionSTS = "2011-06-15"
	versionIAM = "2010-05-08"
)

// query makes a call in AWS's query protocol, which STS and IAM use: the request is a form, the response is XML.
// It decodes the result of the action into out, if out is not nil.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
func (api *Client) query(ctx context.Context, c call, version string, in url.Values, out any) (http.Header, error) {
	in.Set("Action", c.action)
	in.Set("Version", version)
	q := request{
		method: http.MethodPost, url: c.address.url, body: []byte(in.Encode()), address: c.address, signer: c.signer,
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	}
	var got response
	err := api.try(ctx, c.retries, c.once, func() (err error) {
		got, err = api.send(ctx, c.client, q, readQueryError)
		return err
	})
	if err != nil || out == nil {
		return got.header, err
	}
	if readResult(got.body, c.action+"Result", out) != nil { // the error may quote the response, so do not return it
		return nil, got.unreadable
	}
	return got.header, nil
}

// readQueryError reads the code and message of an error response into e. If body has no code, e.code is empty. If
// body has no message, e.message is empty.
func readQueryError(e *refusal, _ http.Header, body []byte) {
	var response struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(body, &response) == nil {
		e.code, e.message = response.Code, response.Message
	}
}

// readResult decodes the first XML element with the given name into out. If there is no such element, out stays
// unchanged.
func readResult(body []byte, name string, out any) error {
	dec := xml.NewDecoder(bytes.NewReader(body))
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == name {
			return dec.DecodeElement(out, &start)
		}
	}
}

// parameters holds the form values of an action. The method set omits empty values.
type parameters url.Values

func (p parameters) set(name, value string) {
	if value != "" {
		url.Values(p).Set(name, value)
	}
}

func (p parameters) setSeconds(name string, d time.Duration) {
	if d != 0 {
		p.set(name, strconv.Itoa(int(d/time.Second)))
	}
}

// memberName returns the form name of item i of a list, counted from 0. If part is not empty, it returns the form
// name of that part of the item, such as Tags.member.1.Key.
func memberName(list string, i int, part string) string {
	name := fmt.Sprintf("%s.member.%d", list, i+1)
	if part != "" {
		name += "." + part
	}
	return name
}

// setPolicy adds the parameters of a session policy.
func (p parameters) setPolicy(policy Policy) {
	p.set("Policy", policy.Inline)
	for i, arn := range policy.ARNs {
		p.set(memberName("PolicyArns", i, "arn"), arn)
	}
}
