package source

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// signIn signs the user in. The parameter before is the subject of the previous sign-in. It is empty if there was none.
func (o OpenID) signIn(ctx context.Context, before string, exchange *store.Exchange) (t openIDToken, err error) {
	if err := exchange.Prepare(ctx); err != nil && !isUnwritable(err) { // if the keystore cannot be written, the token is used only by this process
		return t, err
	}
	ctx, v, err := o.deps.beginSignIn(ctx, o.to.Issuer, o.deps.User.Unattended && o.to.Flow != plan.FlowDevice)
	if err == nil {
		t, err = o.signInInteractively(ctx, v, before, exchange)
		err = v.end(err)
	}
	var incomplete *SignInError
	if errors.As(err, &incomplete) {
		incomplete.OIDC = true
	}
	return t, err
}

// signInInteractively signs the user in with a browser or with a code.
func (o OpenID) signInInteractively(ctx context.Context, v *signInAttempt, before string, exchange *store.Exchange) (openIDToken, error) {
	p, err := o.providerWithKeys(ctx)
	if err != nil {
		return openIDToken{}, err
	}
	t := openIDExchange{openID: o, provider: p, exchange: exchange, storesAtOnce: always}
	if o.usesDeviceFlow(p) {
		return o.deviceFlow(ctx, v, t)
	}
	return o.browserFlow(ctx, v, t, before)
}

// flowSupport reports which sign-in flows a provider supports.
type flowSupport interface {
	SupportsBrowser() bool
	SupportsDevice() bool
}

// usesDeviceFlow decides between the device flow and the browser flow.
func (o OpenID) usesDeviceFlow(p flowSupport) bool {
	switch {
	case o.to.Flow != "":
		return o.to.Flow == plan.FlowDevice
	case !p.SupportsBrowser():
		return true
	}
	return o.deps.User.Remote && p.SupportsDevice()
}

var (
	errNoDeviceFlow  = errors.New("the provider does not support the device flow (no device_authorization_endpoint), expected oidc_flow = browser")
	errNoBrowserFlow = errors.New("the provider does not support the browser flow (no authorization_endpoint), expected oidc_flow = device")
)

// browserFlow signs the user in with a browser on this machine. If the user must confirm the sign-in, it is stored
// only after the confirmation. A user who was already signed in before need not confirm.
func (o OpenID) browserFlow(ctx context.Context, v *signInAttempt, exchange openIDExchange, before string) (t openIDToken, err error) {
	p := exchange.provider
	if !p.SupportsBrowser() {
		return openIDToken{}, &SignInError{To: o.to.Issuer, Err: errNoBrowserFlow}
	}
	page := func(proof signin.Proof, redirect string) string { return p.Page(proof, redirect, o.to.Scopes) }
	show := func(page string) error { return v.openSignInPage(o.to.Issuer, page) }
	back := o.deps.User.callbackOptions()
	back.Ports, back.Issuer = o.to.Ports, p.Issuer()
	err = signin.WithBrowser(ctx, back, page, show, func(g signin.Grant) error {
		exchange.want.Nonce = g.Nonce
		exchange.storesAtOnce = func(t openIDToken) bool { return g.PeerVerified || t.Subject != "" && t.Subject == before }
		t, err = exchange.send(ctx, "exchange the code", func(ctx context.Context) (signin.Tokens, error) {
			return p.Exchange(ctx, g)
		})
		if err != nil || exchange.storesAtOnce(t) {
			return err
		}
		return o.deps.confirm(ctx, g, o.to.Issuer, t.displayName())
	})
	if err != nil {
		return openIDToken{}, err
	}
	return t, nil
}

// deviceFlow signs the user in with a code, in a browser on any machine.
func (o OpenID) deviceFlow(ctx context.Context, v *signInAttempt, exchange openIDExchange) (openIDToken, error) {
	p := exchange.provider
	if !p.SupportsDevice() {
		return openIDToken{}, &SignInError{To: o.to.Issuer, Err: errNoDeviceFlow}
	}
	limited, q := o.startCall(ctx, "get a device code")
	code, err := p.DeviceCode(limited, o.to.Scopes)
	if err := q.done(limited, err); err != nil {
		return openIDToken{}, err
	}
	if err := v.showDeviceCode(o.to.Issuer, code); err != nil {
		return openIDToken{}, err
	}
	a, err := pollDeviceCode(ctx, o.deps, code, func(ctx context.Context) (openIDAnswer, error) {
		return exchange.call(ctx, "poll", func(ctx context.Context) (signin.Tokens, error) { return p.Poll(ctx, code) })
	})
	if err == nil {
		return exchange.verify(ctx, a)
	}
	for _, outcome := range []error{signin.ErrDenied, signin.ErrTimeout} { // these two errors describe what the user did, not a fault of the provider
		if _, refused := errors.AsType[*signin.GrantError](err); refused && errors.Is(err, outcome) {
			return openIDToken{}, outcome
		}
	}
	return openIDToken{}, err
}

// displayName returns a name by which the user can recognize the token's owner.
func (t openIDToken) displayName() string {
	for _, claim := range []string{"email", "preferred_username", "name"} {
		if name := t.Claims[claim]; name != "" && name != t.Subject {
			return fmt.Sprintf("%s (%s)", name, t.Subject)
		}
	}
	return t.Subject
}
