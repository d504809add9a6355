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

// The versions of the services' interfaces that speak AWS's query protocol.
const (
	versionSTS = "2011-06-15"
	versionIAM = "2010-05-08"
)

// query makes a call in the protocol that STS and IAM speak: a form in, XML out, of which
// the action's result is read into out; nil for none.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
func (api *Client) query(ctx context.Context, c call, version string, in url.Values, out any) (http.Header, error) {
	in.Set("Action", c.action)
	in.Set("Version", version)
	q := request{
		method: http.MethodPost, url: c.at.url, body: []byte(in.Encode()), at: c.at, signer: c.signer,
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	}
	var got answer
	err := api.try(ctx, c.retries, c.once, func() (err error) {
		got, err = api.send(ctx, c.client, q, readQueryError)
		return err
	})
	if err != nil || out == nil {
		return got.header, err
	}
	if readResult(got.body, c.action+"Result", out) != nil { // what the parser says may quote the answer
		return nil, got.from
	}
	return got.header, nil
}

// readQueryError reads what AWS says of a refusal, if anything.
func readQueryError(e *refusal, _ http.Header, body []byte) {
	var said struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(body, &said) == nil {
		e.code, e.message = said.Code, said.Message
	}
}

// readResult reads the element of that name; an answer without one leaves out as it is.
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

// parameters are what an action is told. What is empty is left out.
type parameters url.Values

func (p parameters) set(name, value string) {
	if value != "" {
		url.Values(p).Set(name, value)
	}
}

func (p parameters) seconds(name string, d time.Duration) {
	if d != 0 {
		p.set(name, strconv.Itoa(int(d/time.Second)))
	}
}

// member is the name of a list's i-th item, and of a part of it.
func member(list string, i int, part string) string {
	name := fmt.Sprintf("%s.member.%d", list, i+1)
	if part != "" {
		name += "." + part
	}
	return name
}

// limit adds a session policy.
func (p parameters) limit(most Policy) {
	p.set("Policy", most.Inline)
	for i, arn := range most.ARNs {
		p.set(member("PolicyArns", i, "arn"), arn)
	}
}
