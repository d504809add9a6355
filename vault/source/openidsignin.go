package source

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// signIn has a person sign in. before is who was signed in until now; empty for nobody.
func (o OpenID) signIn(ctx context.Context, before string, trade *store.Exchange) (t openIDToken, err error) {
	if err := trade.Prepare(ctx); err != nil && !isUnwritable(err) { // else it serves this process
		return t, err
	}
	ctx, v, err := o.deps.begin(ctx, o.to.Issuer)
	if err == nil {
		t, err = o.byPerson(ctx, v, before, trade)
		err = v.end(err)
	}
	var over *SignInError
	if errors.As(err, &over) {
		over.OIDC = true
	}
	return t, err
}

// byPerson signs a person in, with a browser or with a code.
func (o OpenID) byPerson(ctx context.Context, v *visit, before string, trade *store.Exchange) (openIDToken, error) {
	p, err := o.known(ctx)
	if err != nil {
		return openIDToken{}, err
	}
	t := openIDTrade{at: o, provider: p, trade: trade, stores: stored}
	if o.byDevice(p) {
		return o.byCode(ctx, v, t)
	}
	return o.byBrowser(ctx, v, t, before)
}

// flows are the ways to sign in that a provider has.
type flows interface {
	Browses() bool
	Devices() bool
}

// byDevice decides how a person signs in, where the profile does not.
func (o OpenID) byDevice(p flows) bool {
	switch {
	case o.to.Flow != "":
		return o.to.Flow == plan.FlowDevice
	case !p.Browses():
		return true
	}
	return o.deps.Person.Away && p.Devices()
}

var (
	errNoDeviceFlow  = errors.New("the provider has no device_authorization_endpoint, want oidc_flow = browser")
	errNoBrowserFlow = errors.New("the provider has no authorization_endpoint, want oidc_flow = device")
)

// byBrowser signs a person in with a browser of this machine. A sign-in that the user has to confirm is not
// stored before. Who was signed in before need not be confirmed.
func (o OpenID) byBrowser(ctx context.Context, v *visit, trade openIDTrade, before string) (t openIDToken, err error) {
	p := trade.provider
	if !p.Browses() {
		return openIDToken{}, &SignInError{To: o.to.Issuer, Err: errNoBrowserFlow}
	}
	page := func(proof signin.Proof, redirect string) string { return p.Page(proof, redirect, o.to.Scopes) }
	show := func(page string) error { return v.toPage(o.to.Issuer, page) }
	back := o.deps.Person.back()
	back.Ports, back.Issuer = o.to.Ports, p.Issuer()
	err = signin.Code(ctx, back, page, show, func(g signin.Grant) error {
		trade.want.Nonce = g.Nonce
		trade.stores = func(t openIDToken) bool { return g.Proven || t.Subject != "" && t.Subject == before }
		t, err = trade.send(ctx, "trade the code", func(ctx context.Context) (signin.Tokens, error) {
			return p.Trade(ctx, g)
		})
		if err != nil || trade.stores(t) {
			return err
		}
		return o.deps.confirm(ctx, g, o.to.Issuer, t.person())
	})
	if err != nil {
		return openIDToken{}, err
	}
	return t, nil
}

// byCode signs a person in on a machine of their choice.
func (o OpenID) byCode(ctx context.Context, v *visit, trade openIDTrade) (openIDToken, error) {
	p := trade.provider
	if !p.Devices() {
		return openIDToken{}, &SignInError{To: o.to.Issuer, Err: errNoDeviceFlow}
	}
	limited, q := o.ask(ctx, "make a code")
	code, err := p.DeviceCode(limited, o.to.Scopes)
	if err := q.done(limited, err); err != nil {
		return openIDToken{}, err
	}
	if err := v.toCode(o.to.Issuer, code); err != nil {
		return openIDToken{}, err
	}
	t, err := signin.Device(ctx, code, func(ctx context.Context) (openIDToken, error) {
		return trade.send(ctx, "poll", func(ctx context.Context) (signin.Tokens, error) { return p.Poll(ctx, code) })
	}, o.deps.Sleep)
	for _, over := range []error{signin.ErrDenied, signin.ErrTimeout} { // it is the person who has answered
		if _, refused := errors.AsType[*signin.GrantError](err); refused && errors.Is(err, over) {
			return t, over
		}
	}
	return t, err
}

// person says whose a token is, for the user to recognize.
func (t openIDToken) person() string {
	for _, claim := range []string{"email", "preferred_username", "name"} {
		if name := t.Claims[claim]; name != "" && name != t.Subject {
			return fmt.Sprintf("%s (%s)", name, t.Subject)
		}
	}
	return t.Subject
}
