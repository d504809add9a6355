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

	"aws-vault/vault/partition"
)

// RolesAnywhere calls IAM Roles Anywhere, which issues a role's credentials to the holder of a certificate's
// private key.
type RolesAnywhere struct {
	Client *Client
	Target Target
}

// Check reports whether the region and the endpoint are valid. It sends nothing.
func (r RolesAnywhere) Check() error {
	if _, err := serviceRolesAnywhere.address(r.Target); err != nil {
		return err
	}
	return r.Client.CheckEndpoint(r.Target.Endpoint)
}

// MeasureClock requests AWS's time and corrects the clock, as [STS.MeasureClock] does.
func (r RolesAnywhere) MeasureClock(ctx context.Context) {
	if at, err := serviceRolesAnywhere.address(r.Target); err == nil {
		r.Client.measureClock(ctx, r.Target.Endpoint.CABundle, at.url)
	}
}

// A RolesAnywhereRequest holds the parameters of a session. TrustAnchor, Profile and Role are ARNs, which are sent in
// the URL.
type RolesAnywhereRequest struct {
	TrustAnchor, Profile, Role string
	SessionName                string        // empty means AWS's default
	Duration                   time.Duration // 0 means AWS's default
}

const actionCreateSession = "CreateSession"

// CreateSession returns credentials of a role. key is the private key of chain[0]. The request is signed once, and
// the same signature is sent again on retries, because a security key may require a touch for each signature. If
// AWS refuses the request and this computer's clock is wrong, the request is signed once more with the corrected
// time.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
func (r RolesAnywhere) CreateSession(ctx context.Context, key crypto.Signer, chain []*x509.Certificate, in RolesAnywhereRequest) (aws.Credentials, error) {
	api := r.Client
	at, err := serviceRolesAnywhere.address(r.Target)
	if err != nil {
		return aws.Credentials{}, err
	}
	c := call{action: actionCreateSession, resource: in.Role, endpoint: baseOf(at.url)}
	body, err := json.Marshal(struct {
		Seconds     int    `json:"durationSeconds,omitempty"`
		SessionName string `json:"roleSessionName,omitempty"`
	}{int(in.Duration.Seconds()), in.SessionName})
	if err != nil {
		return aws.Credentials{}, err
	}
	if c.client, err = api.Network.client(r.Target.Endpoint.CABundle, formJSON); err != nil {
		return aws.Credentials{}, err
	}
	at.url += "/sessions?" + url.Values{
		"profileArn": {in.Profile}, "roleArn": {in.Role}, "trustAnchorArn": {in.TrustAnchor},
	}.Encode()
	var got response
	signAndSend := func(ctx context.Context) error {
		q, err := x509Signer{key, chain}.request(at, body, api.Clock.Now())
		if err != nil {
			return err
		}
		return api.try(ctx, r.Target.Endpoint.retries(), false, func() (err error) {
			got, err = api.send(ctx, c.client, q, readJSONError)
			return err
		})
	}
	err = api.unsigned(ctx, c, func(ctx context.Context) error {
		skew := api.Clock.Skew()
		err := signAndSend(ctx)
		if date, ok := refusalDate(err); ok && api.setClock(skew, date) {
			err = signAndSend(ctx)
		}
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.rolesAnywhereCredentials(got.body)
}

// createSessionResponse is the response of CreateSession.
type createSessionResponse struct {
	Set []struct {
		Credentials struct {
			AccessKeyID     string    `json:"accessKeyId"`
			SecretAccessKey string    `json:"secretAccessKey"`
			SessionToken    string    `json:"sessionToken"`
			Expiration      time.Time `json:"expiration"`
		} `json:"credentials"`
	} `json:"credentialSet"`
}

func (c call) rolesAnywhereCredentials(body []byte) (aws.Credentials, error) {
	var a createSessionResponse
	if json.Unmarshal(body, &a) != nil || len(a.Set) == 0 {
		return aws.Credentials{}, fmt.Errorf("%s: no credentials in the response from %s", c.action, c.endpoint)
	}
	session := a.Set[0].Credentials
	out := aws.Credentials{
		AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, SessionToken: session.SessionToken,
		CanExpire: true, Expires: session.Expiration, AccountID: partition.AccountOf(c.resource),
	}
	if InvalidReason(out) != "" || out.SessionToken == "" || out.Expires.IsZero() {
		return aws.Credentials{}, fmt.Errorf("%s: no credentials in the response from %s", c.action, c.endpoint)
	}
	return out, nil
}
