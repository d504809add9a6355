package source

import (
	"context"
	"errors"
	"net/url"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// KindOIDCSecret is a client secret, as a list of tokens says. It is no sign-in, and lets
// nobody in by itself.
const KindOIDCSecret = "OIDC client secret"

// OpenID is a sign-in to an OpenID provider.
type OpenID struct {
	deps *Deps
	to   plan.OIDC
}

// OpenID returns the sign-in to a provider.
func (d *Deps) OpenID(to plan.OIDC) OpenID { return OpenID{d, to} }

// clientSecret is what an OpenID provider knows this program by, where it insists.
type clientSecret struct {
	Secret string `json:"client_secret"`
}

// secretLifetime is how long a client secret is kept, unless it is replaced.
const secretLifetime = 10 * 365 * 24 * time.Hour

// StoreSecret keeps the secret of a client for all who sign in as its users. It is an
// error if it could not be kept.
func (o OpenID) StoreSecret(ctx context.Context, secret string) error {
	d := o.deps
	_, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: o.secretName(), Question: "the client secret of " + o.to.Issuer,
		Usable: func(store.Token) bool { return false },
		Create: func(context.Context, store.Token, *store.Exchange) (store.Token, error) {
			return encode(KindOIDCSecret, o.to.Label(), d.AWS.Clock.Local().Add(secretLifetime), clientSecret{secret}), nil
		},
	})
	if err == nil && len(warnings) > 0 {
		err = errors.Join(warnings...)
	}
	return err
}

// RemoveSecret removes the secret of a client, if one is kept.
func (o OpenID) RemoveSecret(ctx context.Context) error {
	d, name := o.deps, o.secretName()
	_, warnings, err := d.Tokens.Remove(ctx, func(e store.Entry) bool { return e.Name == name })
	d.warn(warnings)
	return err
}

func (o OpenID) secretName() string {
	return plan.Fingerprint("aws-vault OIDC client secret 1", o.to.Issuer, o.to.Client)
}

// discover asks the provider what it is.
func (o OpenID) discover(ctx context.Context) (*signin.Provider, error) {
	d := o.deps
	kept, warnings, err := d.Tokens.Find(ctx, o.secretName())
	if err != nil {
		return nil, err
	}
	d.warn(warnings)
	secret, _ := decode[clientSecret](kept)
	hc, err := d.AWS.Network.HTTPClient(o.to.CABundle)
	if err != nil {
		return nil, err
	}
	limited, q := o.startCall(ctx, "discover")
	p, err := signin.Client{Issuer: o.to.Issuer, ID: o.to.Client, Secret: secret.Secret, HTTP: hc, Now: d.AWS.Clock.Local}.Discover(limited)
	return p, q.done(limited, err)
}

// fetchKeys fetches what a provider signs with.
func (o OpenID) fetchKeys(ctx context.Context, p *signin.Provider) error {
	limited, q := o.startCall(ctx, "fetch the keys")
	return q.done(limited, p.FetchKeys(limited))
}

// An openIDCall is one call of an OpenID provider.
type openIDCall struct {
	OpenID
	what   string
	began  time.Time
	cancel context.CancelFunc
}

// startCall begins a call. It has to be made with the context that comes back, and what comes of it belongs to
// [openIDCall.done].
func (o OpenID) startCall(ctx context.Context, what string) (context.Context, openIDCall) {
	limited, cancel := o.deps.AWS.WithTimeout(ctx)
	return limited, openIDCall{o, what, o.deps.AWS.Clock.Local(), cancel}
}

// openIDAction names in errors what an OpenID provider is asked for.
const openIDAction = "OpenID Connect"

// done ends a call. It turns an error of the network into one that says where and what.
func (q openIDCall) done(limited context.Context, err error) error {
	defer q.cancel()
	api, issuer := q.deps.AWS, q.to.Issuer
	q.deps.debug("asked the OpenID provider", "issuer", issuer, "to", q.what, "took", api.Clock.Local().Sub(q.began), "error", openIDOutcome(err))
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
	return &awsapi.UnreachableError{Action: openIDAction, Endpoint: issuer, Err: sending.Err} // the URL may hold a code
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
		return "an ID token that is refused"
	}
	return "no answer"
}
