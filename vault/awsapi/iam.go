package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// AccessKeys are the keys of one IAM user, as IAM tells and changes them. Its methods'
// errors are as those of [STS]; none of them shows a key's id.
type AccessKeys struct {
	Client *Client
	At     Target
	User   string          // the user's name
	Creds  aws.Credentials // who calls
}

// An AccessKey is what IAM lists of a key.
type AccessKey struct {
	ID      string
	Active  bool
	Created time.Time // by AWS's clock, to the second
}

// List returns the user's keys, and the time by AWS's clock at which it listed them.
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

// The states of a key.
const (
	statusActive   = "Active"
	statusInactive = "Inactive"
)

// Create makes a new key. It is asked for once: an answer that is lost may have made one,
// whose secret nobody has; see [Unsure].
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
		return aws.Credentials{}, fmt.Errorf("CreateAccessKey: %s answered without a key", k.place())
	}
	made := aws.Credentials{AccessKeyID: out.Key.ID, SecretAccessKey: out.Key.Secret}
	if wrong := Flaw(made); wrong != "" {
		return aws.Credentials{}, fmt.Errorf("CreateAccessKey: %s answered with %s", k.place(), wrong)
	}
	return made, nil
}

// Activate lets a key be used, or forbids it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
func (k AccessKeys) Activate(ctx context.Context, id string, active bool) error {
	status := statusInactive
	if active {
		status = statusActive
	}
	_, err := k.call(ctx, call{action: "UpdateAccessKey", secrets: []string{id}}, parameters{"UserName": {k.User}, "AccessKeyId": {id}, "Status": {status}}, nil)
	return err
}

// Delete deletes a key for good.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
func (k AccessKeys) Delete(ctx context.Context, id string) error {
	_, err := k.call(ctx, call{action: "DeleteAccessKey", secrets: []string{id}}, parameters{"UserName": {k.User}, "AccessKeyId": {id}}, nil)
	return err
}

// LastUsed returns when a key was last used, and for which service; the zero time means
// that it never was.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
func (k AccessKeys) LastUsed(ctx context.Context, id string) (at time.Time, service string, err error) {
	var out struct {
		Used *struct {
			At      string `xml:"LastUsedDate"` // absent or "N/A" for never
			Service string `xml:"ServiceName"`
		} `xml:"AccessKeyLastUsed"`
	}
	c := call{action: "GetAccessKeyLastUsed", secrets: []string{id}}
	if _, err := k.call(ctx, c, parameters{"AccessKeyId": {id}}, &out); err != nil {
		return time.Time{}, "", err
	}
	if out.Used == nil {
		return time.Time{}, "", fmt.Errorf("GetAccessKeyLastUsed: %s answered without a last use", k.place())
	}
	at, _ = time.Parse(time.RFC3339, out.Used.At)
	return at, c.clean(out.Used.Service), nil
}

// Unsure reports whether AWS may have done what it was asked although err came back. Only
// a refusal says that it has not.
func Unsure(err error) bool {
	var api *APIError
	return err != nil && !(errors.As(err, &api) && api.Status >= http.StatusBadRequest && api.Status < http.StatusInternalServerError)
}

func (k AccessKeys) call(ctx context.Context, c call, in parameters, out any) (header http.Header, err error) {
	c.about, c.signer, c.place, c.at = "user "+k.User, k.Creds, k.place(), iamAt(k.At)
	c.retries = k.At.Endpoint.retries()
	if err := k.Client.CheckEndpoint(k.At.Endpoint); err != nil {
		return nil, err
	}
	if c.client, err = k.Client.Network.client(k.At.Endpoint.CABundle, formXML); err != nil {
		return nil, err
	}
	err = k.Client.signed(ctx, c, k.At.Region, func(ctx context.Context) (err error) {
		header, err = k.Client.query(ctx, c, versionIAM, url.Values(in), out)
		return err
	})
	return header, err
}

// place names where the calls go, for errors.
func (k AccessKeys) place() string { return siteOf(iamAt(k.At).url) }
