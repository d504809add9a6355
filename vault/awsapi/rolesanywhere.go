package awsapi

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// RolesAnywhere is IAM Roles Anywhere at one target. It gives a role to who holds the key of a certificate.
type RolesAnywhere struct {
	Client *Client
	At     Target
}

// Check says whether calls can be made, without making one.
func (r RolesAnywhere) Check() error {
	if _, err := serviceAnywhere.at(r.At); err != nil {
		return err
	}
	return r.Client.CheckEndpoint(r.At.Endpoint)
}

// MeasureClock is as that of [STS].
func (r RolesAnywhere) MeasureClock(ctx context.Context) {
	if at, err := serviceAnywhere.at(r.At); err == nil {
		r.Client.measure(ctx, r.At.Endpoint.CABundle, at.url)
	}
}

// An AnywhereRequest says which session is asked for. Its ARNs go into the address.
type AnywhereRequest struct {
	TrustAnchor, Profile, Role string
	SessionName                string        // empty to leave it to AWS
	Lasts                      time.Duration // 0 to leave it to AWS
}

const actionAnywhere = "CreateSession"

// CreateSession returns the credentials of a role. The request is signed once, with the key of the first certificate
// of the chain, and sent up to three times: a card may want a touch for each signature. Where AWS refuses it and its
// clock turns out to be another, it is signed anew, once.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
func (r RolesAnywhere) CreateSession(ctx context.Context, key crypto.Signer, chain []*x509.Certificate, in AnywhereRequest) (aws.Credentials, error) {
	api := r.Client
	at, err := serviceAnywhere.at(r.At)
	if err != nil {
		return aws.Credentials{}, err
	}
	c := call{action: actionAnywhere, about: in.Role, place: siteOf(at.url)}
	body, err := json.Marshal(struct {
		Seconds     int    `json:"durationSeconds,omitempty"`
		SessionName string `json:"roleSessionName,omitempty"`
	}{int(in.Lasts.Seconds()), in.SessionName})
	if err != nil {
		return aws.Credentials{}, err
	}
	if c.client, err = api.Network.client(r.At.Endpoint.CABundle, formJSON); err != nil {
		return aws.Credentials{}, err
	}
	at.url += "/sessions?" + url.Values{
		"profileArn": {in.Profile}, "roleArn": {in.Role}, "trustAnchorArn": {in.TrustAnchor},
	}.Encode()
	var got answer
	signed := func(ctx context.Context) error {
		q, err := x509Signer{key, chain}.request(at, body, api.Clock.Now())
		if err != nil {
			return err
		}
		return api.try(ctx, r.At.Endpoint.retries(), false, func() (err error) {
			got, err = api.send(ctx, c.client, q, readJSONError)
			return err
		})
	}
	err = api.unsigned(ctx, c, func(ctx context.Context) error {
		skew := api.Clock.Skew()
		err := signed(ctx)
		if date, ok := anyDate(err); ok && api.set(skew, date) {
			err = signed(ctx)
		}
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.anywhereCredentials(got.body)
}

// anywhereAnswer is what CreateSession gives.
type anywhereAnswer struct {
	Set []struct {
		Credentials struct {
			AccessKeyID     string    `json:"accessKeyId"`
			SecretAccessKey string    `json:"secretAccessKey"`
			SessionToken    string    `json:"sessionToken"`
			Expiration      time.Time `json:"expiration"`
		} `json:"credentials"`
	} `json:"credentialSet"`
}

func (c call) anywhereCredentials(body []byte) (aws.Credentials, error) {
	var a anywhereAnswer
	if json.Unmarshal(body, &a) != nil || len(a.Set) == 0 {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, c.place)
	}
	given := a.Set[0].Credentials
	out := aws.Credentials{
		AccessKeyID: given.AccessKeyID, SecretAccessKey: given.SecretAccessKey, SessionToken: given.SessionToken,
		CanExpire: true, Expires: given.Expiration, AccountID: AccountOf(c.about),
	}
	if Flaw(out) != "" || out.SessionToken == "" || out.Expires.IsZero() {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, c.place)
	}
	return out, nil
}
