package source

import (
	"context"
	"errors"
	"net/url"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// KindOIDCSecret is a client secret, as a list of tokens says. It is no sign-in, and lets
// nobody in by itself.
const KindOIDCSecret = "OIDC client secret"

// clientSecret is what an OpenID provider knows this program by, where it insists.
type clientSecret struct {
	Secret string `json:"client_secret"`
}

// secretLasts is how long a client secret is kept, unless it is replaced.
const secretLasts = 10 * 365 * 24 * time.Hour

// KeepClientSecret keeps the secret of a client for all who sign in as its users. It is an
// error if it could not be kept.
func (d *Deps) KeepClientSecret(ctx context.Context, to plan.OIDC, secret string) error {
	_, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: secretName(to), Question: "the client secret of " + to.Issuer,
		Serves: func(store.Token) bool { return false },
		Make: func(context.Context, store.Token, *store.Trade) (store.Token, error) {
			return encode(KindOIDCSecret, to.Label(), d.Clock.Local().Add(secretLasts), clientSecret{secret}), nil
		},
	})
	if err == nil && len(warnings) > 0 {
		err = errors.Join(warnings...)
	}
	return err
}

// ForgetClientSecret removes the secret of a client, if one is kept.
func (d *Deps) ForgetClientSecret(ctx context.Context, to plan.OIDC) error {
	name := secretName(to)
	_, warnings, err := d.Tokens.Remove(ctx, func(e store.Entry) bool { return e.Name == name })
	d.warn(warnings)
	return err
}

func secretName(to plan.OIDC) string {
	return plan.Fingerprint("aws-vault OIDC client secret 1", to.Issuer, to.Client)
}

// provider asks an OpenID provider what it is.
func (d *Deps) provider(ctx context.Context, to plan.OIDC) (p *signin.Provider, err error) {
	kept, warnings, err := d.Tokens.Find(ctx, secretName(to))
	if err != nil {
		return nil, err
	}
	d.warn(warnings)
	secret, _ := decode[clientSecret](kept)
	hc, err := d.clientFor(plan.Endpoint{CABundle: to.CABundle}, formAny)
	if err != nil {
		return nil, err
	}
	err = d.within(ctx, to, "discover", func(ctx context.Context) (err error) {
		p, err = signin.Client{Issuer: to.Issuer, ID: to.Client, Secret: secret.Secret, HTTP: hc, Now: d.Clock.Local}.Discover(ctx)
		return err
	})
	return p, err
}

// fetchKeys fetches what a provider signs with.
func (d *Deps) fetchKeys(ctx context.Context, to plan.OIDC, p *signin.Provider) error {
	return d.within(ctx, to, "fetch the keys", p.FetchKeys)
}

// within asks an OpenID provider something within the deadline.
func (d *Deps) within(ctx context.Context, to plan.OIDC, what string, ask func(context.Context) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	began := d.Clock.Local()
	err := ask(limited)
	d.debug("asked the OpenID provider", "issuer", to.Issuer, "to", what, "took", d.Clock.Local().Sub(began), "error", openIDOutcome(err))
	return d.openIDError(limited, to, err)
}

// openIDAction names in errors what an OpenID provider is asked for.
const openIDAction = "OpenID Connect"

// openIDError turns an error of the network into one that says where and what.
func (d *Deps) openIDError(ctx context.Context, to plan.OIDC, err error) error {
	var sending *url.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &sending) && ctx.Err() == nil:
		return err
	case errors.Is(context.Cause(ctx), errDeadline):
		return &TimeoutError{openIDAction, to.Issuer, d.timeout()}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return &UnreachableError{openIDAction, to.Issuer, sending.Err} // the URL may hold a code
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

// byOpenIDPage signs a person in with a browser of this machine.
func (d *Deps) byOpenIDPage(ctx context.Context, v *visit, to plan.OIDC, p *signin.Provider, use func(signin.Grant) error) error {
	page := func(proof signin.Proof, redirect string) string { return p.Page(proof, redirect, to.Scopes) }
	show := func(page string) error { return v.toPage(to.Issuer, page) }
	back := d.Person.back()
	back.Ports, back.Issuer = to.Ports, p.Issuer()
	return signin.Code(ctx, back, page, show, use)
}
