package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// KindOIDCToken is a sign-in to an OpenID provider, as a list of tokens says.
const KindOIDCToken = "OIDC token"

// openIDToken is what a sign-in to an OpenID provider gave. Access tokens are not kept: AWS
// takes none.
type openIDToken struct {
	ID      string            `json:"id_token"` // verified when it came
	Refresh string            `json:"refresh_token,omitempty"`
	Expires time.Time         `json:"expires"` // the ID token
	Subject string            `json:"subject"`
	Claims  map[string]string `json:"claims,omitempty"`
	Nonce   string            `json:"nonce,omitempty"` // of the sign-in by which it all began
	Made    time.Time         `json:"made"`
}

const (
	idTokenLeast = time.Minute         // a token is renewed when it has less left
	refreshLasts = 90 * 24 * time.Hour // a refresh token that nobody has used for so long is forgotten
	sessionLasts = 12 * time.Hour      // how long a role's session may outlive the token, which says whose it is
)

func (t openIDToken) identity() plan.Identity {
	return plan.Identity{Subject: t.Subject, Claims: t.Claims}
}

func (t openIDToken) valid(now time.Time) bool {
	return t.ID != "" && t.Expires.After(now.Add(idTokenLeast))
}

// ends is when the token is of no more use: while a session that was made with it lives, it
// says whose that is.
func (t openIDToken) ends() time.Time {
	if t.Refresh != "" {
		return t.Made.Add(refreshLasts)
	}
	if end := t.Made.Add(sessionLasts); end.After(t.Expires) {
		return end
	}
	return t.Expires
}

// An OpenIDSignIn is what is known of a sign-in to an OpenID provider.
type OpenIDSignIn struct {
	plan.Identity
	Expires   time.Time // the ID token
	Renewable bool      // another can be had without a person
}

// OpenIDHeld returns the sign-in that is held, and whether there is one. It asks nobody.
func (d *Deps) OpenIDHeld(ctx context.Context, to plan.OIDC) (OpenIDSignIn, bool, error) {
	kept, warnings, err := d.Tokens.Find(ctx, string(to.Token()))
	d.warn(warnings)
	t, ok := decode[openIDToken](kept)
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err == nil && ok && t.Subject != "", err
}

// OpenIDHint returns whom the list of sign-ins says is signed in; empty for nobody. It opens
// nothing, so that it may be wrong.
func (d *Deps) OpenIDHint(to plan.OIDC) string {
	return d.Tokens.Index.Entries()[string(to.Token())].Who
}

// OpenIDAsks reports whether an ID token takes a person.
func (d *Deps) OpenIDAsks(ctx context.Context, to plan.OIDC) bool {
	held, ok, err := d.OpenIDHeld(ctx, to)
	return err != nil || !ok || !held.Renewable && !held.Expires.After(d.Clock.Local().Add(idTokenLeast))
}

// OpenIDSignIn returns who is signed in, after a person has signed in if it takes one.
func (d *Deps) OpenIDSignIn(ctx context.Context, to plan.OIDC) (OpenIDSignIn, error) {
	t, err := d.openIDToken(ctx, to, "")
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err
}

// openIDToken returns an ID token that serves, and is not the one that was refused: the one
// kept, a renewed one, or that of a person who signs in.
func (d *Deps) openIDToken(ctx context.Context, to plan.OIDC, refused string) (openIDToken, error) {
	serves := func(t openIDToken) bool {
		now := d.Clock.Local()
		return t.ID != "" && t.ID != refused && (t.valid(now) || d.fresh(t) && t.Expires.After(now)) // a short one would be made twice
	}
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: string(to.Token()), Question: "the sign-in to " + to.Issuer,
		Serves: func(k store.Token) bool {
			t, ok := decode[openIDToken](k)
			return ok && serves(t)
		},
		Make: func(ctx context.Context, k store.Token, trade *store.Trade) (store.Token, error) {
			old, _ := decode[openIDToken](k)
			t, err := d.newOpenIDToken(ctx, to, old, trade)
			d.remember(t.ID)
			return t.encode(to), err
		},
	})
	d.warn(warnings)
	t, _ := decode[openIDToken](kept)
	return t, err
}

// encode is the token as it is kept.
func (t openIDToken) encode(to plan.OIDC) store.Token {
	k := encode(KindOIDCToken, to.Label(), t.ends(), t)
	k.Who = t.Subject
	return k
}

// remember notes an ID token that came to this process.
func (d *Deps) remember(id string) {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.idToken = id
}

// fresh reports whether a token came to this process just now, so that another one would
// be no better.
func (d *Deps) fresh(t openIDToken) bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.idToken == t.ID && d.Clock.Local().Sub(t.Made) < idTokenLeast
}

// newOpenIDToken makes a token in place of an old one, silently if that can be.
func (d *Deps) newOpenIDToken(ctx context.Context, to plan.OIDC, old openIDToken, trade *store.Trade) (openIDToken, error) {
	if old.Refresh != "" {
		made, err := d.refreshOpenID(ctx, to, old, trade)
		switch {
		case err == nil && made.ID != "":
			return made, nil
		case err == nil:
			d.debug("the refresh brought no ID token", "issuer", to.Issuer)
		case !errors.Is(err, signin.ErrGrant):
			return openIDToken{}, err // a person could do no better
		}
	}
	return d.signInOpenID(ctx, to, old.Subject, trade)
}

// refreshOpenID trades a refresh token. Where none comes back, the old one goes on; where
// no ID token comes back, or what comes could not be stored, it is the zero token.
func (d *Deps) refreshOpenID(ctx context.Context, to plan.OIDC, old openIDToken, trade *store.Trade) (openIDToken, error) {
	p, err := d.provider(ctx, to)
	if err == nil {
		err = d.fetchKeys(ctx, to, p)
	}
	if err != nil {
		return openIDToken{}, err
	}
	if renews, err := d.canRenew(ctx, to.Issuer, trade); err != nil || !renews {
		return openIDToken{}, err
	}
	o := openIDTrade{to: to, provider: p, stores: stored, trade: trade, old: old, want: signin.Want{Subject: old.Subject, Earlier: old.Nonce}}
	made, err := d.tradeOpenID(ctx, o, "refresh", func(ctx context.Context) (signin.Tokens, error) { return p.Refresh(ctx, old.Refresh) })
	var refused *signin.IDTokenError
	if errors.As(err, &refused) && refused.Missing {
		return openIDToken{}, nil
	}
	return made, err
}

// An openIDTrade is what is known before a code or a refresh token is traded.
type openIDTrade struct {
	to       plan.OIDC
	provider *signin.Provider
	trade    *store.Trade
	stores   func(openIDToken) bool // whether a token is stored when it comes, and not later
	old      openIDToken            // that is renewed; zero for a new sign-in
	want     signin.Want
}

// tradeOpenID trades a code or a refresh token and stores what comes. An ID token that is not
// accepted does not cost the refresh token: that is stored without it, so that another is fetched.
func (d *Deps) tradeOpenID(ctx context.Context, o openIDTrade, what string, ask func(context.Context) (signin.Tokens, error)) (t openIDToken, err error) {
	var got signin.Tokens
	var refused error
	err = d.traded(ctx, o.to.Issuer, func(ctx context.Context) error {
		return d.within(ctx, o.to, what, func(ctx context.Context) (err error) {
			if got, err = ask(ctx); err != nil {
				return err
			}
			got.Refresh = cmp.Or(got.Refresh, o.old.Refresh)
			t, refused = d.verified(o, got)
			if good := refused == nil || got.Refresh != "" && o.outlives(refused); good && o.stores(t) {
				o.trade.Keep(t.encode(o.to))
			}
			return nil
		})
	})
	var unproven *signin.IDTokenError
	switch {
	case err != nil:
		return openIDToken{}, err
	case !errors.As(refused, &unproven) || !unproven.Key:
		return t, refused
	}
	if err := d.fetchKeys(ctx, o.to, o.provider); err != nil {
		return openIDToken{}, err
	}
	return d.verified(o, got)
}

func stored(openIDToken) bool { return true }

// outlives reports whether a refresh token is kept though the ID token beside it was refused. That
// of a new sign-in is, if another try may go better: who it is of is not known yet.
func (o openIDTrade) outlives(refused error) bool {
	var e *signin.IDTokenError
	return o.old.Refresh != "" || errors.As(refused, &e) && (e.Key || e.Clock)
}

// verified is a token whose ID token proves who somebody is or, with the error, one without an ID
// token. It calls nothing.
func (d *Deps) verified(o openIDTrade, got signin.Tokens) (openIDToken, error) {
	want := o.want
	want.Audience = o.to.Audience
	t := openIDToken{Refresh: got.Refresh, Subject: o.old.Subject, Claims: o.old.Claims, Nonce: cmp.Or(want.Nonce, want.Earlier), Made: d.Clock.Local().UTC()}
	id, err := o.provider.Verify(got.ID, want)
	if err != nil {
		return t, err
	}
	t.ID, t.Expires, t.Subject, t.Claims = got.ID, id.Expires, id.Subject, id.Claims
	return t, nil
}

// signInOpenID has a person sign in. before is who was signed in until now; empty for nobody.
func (d *Deps) signInOpenID(ctx context.Context, to plan.OIDC, before string, trade *store.Trade) (t openIDToken, err error) {
	if err := trade.Ready(ctx); err != nil && !isUnwritable(err) { // else it serves this process
		return t, err
	}
	err = d.patience(ctx, to.Issuer, func(ctx context.Context, v *visit) error {
		p, err := d.provider(ctx, to)
		if err == nil {
			err = d.fetchKeys(ctx, to, p)
		}
		if err != nil {
			return err
		}
		o := openIDTrade{to: to, provider: p, trade: trade, stores: stored}
		if d.openIDByDevice(to, p) {
			t, err = d.byOpenIDCode(ctx, v, o)
		} else {
			t, err = d.byOpenIDBrowser(ctx, v, o, before)
		}
		return err
	})
	var over *SignInError
	if errors.As(err, &over) {
		over.OIDC = true
	}
	return t, err
}

// flows are the ways to sign in that a provider has.
type flows interface {
	Browses() bool
	Devices() bool
}

// openIDByDevice decides how a person signs in, where the profile does not.
func (d *Deps) openIDByDevice(to plan.OIDC, p flows) bool {
	switch {
	case to.Flow != "":
		return to.Flow == plan.FlowDevice
	case !p.Browses():
		return true
	}
	return d.Person.Away && p.Devices()
}

var (
	errNoDeviceFlow  = errors.New("the provider has no device_authorization_endpoint, want oidc_flow = browser")
	errNoBrowserFlow = errors.New("the provider has no authorization_endpoint, want oidc_flow = device")
)

// byOpenIDBrowser signs a person in with a browser. A sign-in that the user has to confirm is not
// stored before. Who was signed in before need not be confirmed.
func (d *Deps) byOpenIDBrowser(ctx context.Context, v *visit, o openIDTrade, before string) (t openIDToken, err error) {
	p := o.provider
	if !p.Browses() {
		return openIDToken{}, &SignInError{To: o.to.Issuer, Err: errNoBrowserFlow}
	}
	err = d.byOpenIDPage(ctx, v, o.to, p, func(g signin.Grant) error {
		o.want.Nonce = g.Nonce
		o.stores = func(t openIDToken) bool { return g.Proven || t.Subject != "" && t.Subject == before }
		t, err = d.tradeOpenID(ctx, o, "trade the code", func(ctx context.Context) (signin.Tokens, error) { return p.Trade(ctx, g) })
		if err != nil || o.stores(t) {
			return err
		}
		return d.confirm(ctx, g, o.to.Issuer, t.person())
	})
	if err != nil {
		return openIDToken{}, err
	}
	return t, nil
}

func (d *Deps) byOpenIDCode(ctx context.Context, v *visit, o openIDTrade) (openIDToken, error) {
	p := o.provider
	if !p.Devices() {
		return openIDToken{}, &SignInError{To: o.to.Issuer, Err: errNoDeviceFlow}
	}
	var code signin.DeviceCode
	err := d.within(ctx, o.to, "make a code", func(ctx context.Context) (err error) {
		code, err = p.DeviceCode(ctx, o.to.Scopes)
		return err
	})
	if err != nil {
		return openIDToken{}, err
	}
	if err := v.toCode(o.to.Issuer, code); err != nil {
		return openIDToken{}, err
	}
	t, err := signin.Device(ctx, code, func(ctx context.Context) (openIDToken, error) {
		return d.tradeOpenID(ctx, o, "poll", func(ctx context.Context) (signin.Tokens, error) { return p.Poll(ctx, code) })
	}, d.Sleep)
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

// OpenIDLogout ends the sign-in that is held, here and, where the provider has a way to,
// there. It reports whether there was one; an error is of the provider, and the token is
// gone from here all the same, unless the keystore says otherwise.
func (d *Deps) OpenIDLogout(ctx context.Context, to plan.OIDC) (bool, error) {
	name := string(to.Token())
	kept, _, err := d.Tokens.Find(ctx, name)
	if err != nil {
		return false, err
	}
	t, held := decode[openIDToken](kept)
	if !held {
		return false, nil
	}
	if t.Refresh != "" {
		err = d.revoke(ctx, to, t.Refresh)
	}
	_, warnings, removing := d.Tokens.Remove(ctx, func(e store.Entry) bool { return e.Name == name })
	d.warn(warnings)
	if removing != nil {
		return true, removing
	}
	return true, err
}

func (d *Deps) revoke(ctx context.Context, to plan.OIDC, refresh string) error {
	p, err := d.provider(ctx, to)
	if err != nil {
		return err
	}
	return d.within(ctx, to, "revoke", func(ctx context.Context) error { return p.Revoke(ctx, refresh) })
}
