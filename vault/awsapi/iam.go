package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// AccessKeys lists and changes the access keys of one IAM user. Its errors are like those of [STS], and contain no
// access key ID.
type AccessKeys struct {
	Client *Client
	Target Target
	User   string          // user name
	Creds  aws.Credentials // credentials that sign the calls
}

// An AccessKey is an access key as IAM lists it.
type AccessKey struct {
	ID      string
	Active  bool
	Created time.Time // creation time by AWS's clock, in whole seconds
}

// List returns the user's access keys, and the time of the response by AWS's clock.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
func (k AccessKeys) List(ctx context.Context) (keys []AccessKey, at time.Time, err error) {
	var out struct {
		Keys []struct {
			ID      string `xml:"AccessKeyId"`
			Status  string
			Created time.Time `xml:"CreateDate"`
		} `xml:"AccessKeyMetadata>member"`
	}
	header, err := k.call(ctx, call{action: "ListAccessKeys"}, parameters{"UserName": {k.User}}, &out)
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, m := range out.Keys {
		keys = append(keys, AccessKey{ID: m.ID, Active: m.Status == statusActive, Created: m.Created})
	}
	if at, err = http.ParseTime(header.Get("Date")); err != nil {
		at = k.Client.Clock.Now()
	}
	return keys, at, nil
}

// Values of an access key's status.
const (
	statusActive   = "Active"
	statusInactive = "Inactive"
)

// Create creates an access key. It does not retry a failed call: if the response is lost, IAM may have created a key
// whose secret is unknown. See [MayHaveSucceeded].
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
func (k AccessKeys) Create(ctx context.Context) (aws.Credentials, error) {
	var out struct {
		Key *struct {
			ID     string `xml:"AccessKeyId"`
			Secret string `xml:"SecretAccessKey"`
		} `xml:"AccessKey"`
	}
	_, err := k.call(ctx, call{action: "CreateAccessKey", once: true}, parameters{"UserName": {k.User}}, &out)
	if err != nil {
		return aws.Credentials{}, err
	}
	if out.Key == nil {
		return aws.Credentials{}, fmt.Errorf("CreateAccessKey: no key in the response from %s", k.endpointName())
	}
	key := aws.Credentials{AccessKeyID: out.Key.ID, SecretAccessKey: out.Key.Secret}
	if problem := InvalidReason(key); problem != "" {
		return aws.Credentials{}, fmt.Errorf("CreateAccessKey: %s in the response from %s", problem, k.endpointName())
	}
	return key, nil
}

// SetActive activates or deactivates an access key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
func (k AccessKeys) SetActive(ctx context.Context, id string, active bool) error {
	status := statusInactive
	if active {
		status = statusActive
	}
	_, err := k.call(ctx, call{action: "UpdateAccessKey", secrets: []string{id}}, parameters{"UserName": {k.User}, "AccessKeyId": {id}, "Status": {status}}, nil)
	return err
}

// Delete deletes an access key. This cannot be undone.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
func (k AccessKeys) Delete(ctx context.Context, id string) error {
	_, err := k.call(ctx, call{action: "DeleteAccessKey", secrets: []string{id}}, parameters{"UserName": {k.User}, "AccessKeyId": {id}}, nil)
	return err
}

// LastUsed returns when an access key was last used, and for which service. The time is zero if the key was never used.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
func (k AccessKeys) LastUsed(ctx context.Context, id string) (at time.Time, service string, err error) {
	var out struct {
		Used *struct {
			At      string `xml:"LastUsedDate"` // missing or "N/A" if never used
			Service string `xml:"ServiceName"`
		} `xml:"AccessKeyLastUsed"`
	}
	c := call{action: "GetAccessKeyLastUsed", secrets: []string{id}}
	if _, err := k.call(ctx, c, parameters{"AccessKeyId": {id}}, &out); err != nil {
		return time.Time{}, "", err
	}
	if out.Used == nil {
		return time.Time{}, "", fmt.Errorf("GetAccessKeyLastUsed: no last-used time in the response from %s", k.endpointName())
	}
	at, _ = time.Parse(time.RFC3339, out.Used.At)
	return at, c.clean(out.Used.Service), nil
}

// MayHaveSucceeded reports whether AWS may have carried out a call although the call returned err. AWS certainly
// did not carry out the call if no request was sent, or if the response is an error with a 4xx status.
func MayHaveSucceeded(err error) bool {
	var unsent *notSentError
	var network *net.OpError
	var api *APIError
	switch {
	case err == nil, errors.As(err, &unsent), errors.As(err, &network) && network.Op == "dial":
		return false
	case errors.As(err, &api):
		return api.Status < http.StatusBadRequest || api.Status >= http.StatusInternalServerError
	}
	return true
}

// notSentError wraps an error that occurred before a request was sent. It has the text of the wrapped error.
type notSentError struct{ error }

func (e *notSentError) Unwrap() error { return e.error }

func (k AccessKeys) call(ctx context.Context, c call, in parameters, out any) (header http.Header, err error) {
	c.resource, c.signer, c.endpoint, c.address = "user "+k.User, k.Creds, k.endpointName(), iamAddress(k.Target)
	c.retries = k.Target.Endpoint.retries()
	if err := k.Client.CheckEndpoint(k.Target.Endpoint); err != nil {
		return nil, &notSentError{err}
	}
	if c.client, err = k.Client.Network.client(k.Target.Endpoint.CABundle, formXML); err != nil {
		return nil, &notSentError{err}
	}
	err = k.Client.signed(ctx, c, k.Target.Region, func(ctx context.Context) (err error) {
		header, err = k.Client.query(ctx, c, versionIAM, url.Values(in), out)
		return err
	})
	return header, err
}

// endpointName returns the endpoint's name for errors.
func (k AccessKeys) endpointName() string { return baseOf(iamAddress(k.Target).url) }
