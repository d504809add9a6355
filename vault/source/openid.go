package source

import (
	"context"
	"errors"
	"net/url"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
)

// KindOIDCSecret is the kind of a client secret in the list of tokens. A client secret is not a sign-in and
// gives no access by itself.
const KindOIDCSecret = "OIDC client secret"

// OpenID is the user's sign-in to an OIDC provider.
type OpenID struct {
	deps *Deps
	to   plan.OIDC
}

// OpenID returns the sign-in to a provider.
func (d *Deps) OpenID(to plan.OIDC) OpenID { return OpenID{d, to} }

// clientSecret authenticates aws-vault to providers that require it.
type clientSecret struct {
	Secret string `json:"client_secret"`
}

// secretLifetime is how long a client secret is stored.
const secretLifetime = 10 * 365 * 24 * time.Hour

// StoreSecret stores the client secret of an OIDC provider. It returns an error if the secret could not be
// stored.
func (o OpenID) StoreSecret(ctx context.Context, secret string) error {
	d := o.deps
	k := encode(KindOIDCSecret, o.to.Label(), d.AWS.Clock.Local().Add(secretLifetime), clientSecret{secret})
	warnings, err := d.Tokens.Replace(ctx, o.secretName(), "the client secret of "+o.to.Issuer, k)
	d.warn(warnings)
	return err
}

// RemoveSecret removes a stored client secret, if there is one.
func (o OpenID) RemoveSecret(ctx context.Context) error {
	_, warnings, err := o.deps.Tokens.Remove(ctx, o.secretName())
	o.deps.warn(warnings)
	return err
}

func (o OpenID) secretName() string {
	return plan.Fingerprint("aws-vault OIDC client secret 1", o.to.Issuer, o.to.Client)
}

// discover fetches the provider's configuration.
func (o OpenID) discover(ctx context.Context) (*signin.Provider, error) {
	d := o.deps
	stored, warnings, err := d.Tokens.Find(ctx, o.secretName())
	if err != nil {
		return nil, err
	}
	d.warn(warnings)
	secret, _ := decode[clientSecret](stored)
	hc, err := d.AWS.Network.HTTPClient(o.to.CABundle)
	if err != nil {
		return nil, err
	}
	limited, q := o.startCall(ctx, "discover")
	p, err := signin.Client{Issuer: o.to.Issuer, ID: o.to.Client, Secret: secret.Secret, HTTP: hc, Now: d.AWS.Clock.Local}.Discover(limited)
	return p, q.done(limited, err)
}

// fetchKeys fetches the provider's public keys.
func (o OpenID) fetchKeys(ctx context.Context, p *signin.Provider) error {
	limited, q := o.startCall(ctx, "fetch the keys")
	return q.done(limited, p.FetchKeys(limited))
}

// An openIDCall is one call to an OIDC provider.
type openIDCall struct {
	OpenID
	what   string
	began  time.Time
	cancel context.CancelFunc
}

// startCall prepares a call to the provider. The caller must make the call with the returned context and pass the
// call's error to [openIDCall.done].
func (o OpenID) startCall(ctx context.Context, what string) (context.Context, openIDCall) {
	limited, cancel := o.deps.AWS.WithTimeout(ctx)
	return limited, openIDCall{o, what, o.deps.AWS.Clock.Local(), cancel}
}

// openIDAction names a call to an OIDC provider in errors.
const openIDAction = "OpenID Connect"

// done ends a call. It adds the provider and the action to a network error.
func (q openIDCall) done(limited context.Context, err error) error {
	defer q.cancel()
	api, issuer := q.deps.AWS, q.to.Issuer
	q.deps.debug("called the OIDC provider", "issuer", issuer, "to", q.what, "took", api.Clock.Local().Sub(q.began), "error", openIDOutcome(err))
	var sending *url.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &sending) && limited.Err() == nil:
		return err
	case awsapi.TimedOut(limited):
		return &awsapi.TimeoutError{Action: openIDAction, Endpoint: issuer, After: api.CallTimeout()}
	case limited.Err() != nil:
		return context.Cause(limited)
	}
	return &awsapi.UnreachableError{Action: openIDAction, Endpoint: issuer, Err: sending.Err} // leave out the URL, which may contain a code
}

func openIDOutcome(err error) string {
	var grant *signin.GrantError
	var id *signin.IDTokenError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &grant):
		return grant.Code
	case errors.As(err, &id):
		return "invalid ID token"
	}
	return "no response"
}
