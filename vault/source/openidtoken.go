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
		return t.ID != refused && (t.valid(now) || d.fresh(t) && t.Expires.After(now)) // a short one would be made twice
	}
	made := false
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: string(to.Token()), Question: "the sign-in to " + to.Issuer,
		Serves: func(k store.Token) bool {
			t, ok := decode[openIDToken](k)
			return ok && serves(t)
		},
		Make: func(ctx context.Context, k store.Token) (store.Token, error) {
			made = true
			t, _ := decode[openIDToken](d.looseToken(string(to.Token())))
			var err error
			if !serves(t) {
				old, ok := decode[openIDToken](k)
				if !ok {
					old = t
				}
				t, err = d.newOpenIDToken(ctx, to, old)
				d.remember(t.ID)
			}
			k = encode(KindOIDCToken, to.Label(), t.ends(), t)
			k.Who = t.Subject
			return k, err
		},
	})
	d.warn(warnings)
	t, _ := decode[openIDToken](kept)
	if made {
		d.keepLoose(string(to.Token()), kept, len(warnings) > 0)
	}
	return t, err
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
func (d *Deps) newOpenIDToken(ctx context.Context, to plan.OIDC, old openIDToken) (openIDToken, error) {
	if old.Refresh != "" {
		made, err := d.refreshOpenID(ctx, to, old)
		switch {
		case err == nil && made.ID != "":
			return made, nil
		case err == nil:
			d.debug("the refresh brought no ID token", "issuer", to.Issuer)
		case !errors.Is(err, signin.ErrGrant):
			return openIDToken{}, err // a person could do no better
		}
	}
	return d.signInOpenID(ctx, to, old.Subject)
}

// refreshOpenID trades a refresh token. Where none comes back, the old one goes on; where
// no ID token comes back, it is the zero token.
func (d *Deps) refreshOpenID(ctx context.Context, to plan.OIDC, old openIDToken) (openIDToken, error) {
	p, err := d.provider(ctx, to)
	if err != nil {
		return openIDToken{}, err
	}
	var got signin.Tokens
	err = d.within(ctx, to, "refresh", func(ctx context.Context) (err error) {
		got, err = p.Refresh(ctx, old.Refresh)
		return err
	})
	if err != nil || got.ID == "" {
		return openIDToken{}, err
	}
	if got.Refresh == "" {
		got.Refresh = old.Refresh
	}
	return d.verified(ctx, to, p, got, signin.Want{Subject: old.Subject, Earlier: old.Nonce})
}

// verified is a token whose ID token proves who somebody is.
func (d *Deps) verified(ctx context.Context, to plan.OIDC, p *signin.Provider, got signin.Tokens, want signin.Want) (openIDToken, error) {
	want.Audience = to.Audience
	var id signin.ID
	err := d.within(ctx, to, "verify", func(ctx context.Context) (err error) {
		id, err = p.Verify(ctx, got.ID, want)
		return err
	})
	if err != nil {
		return openIDToken{}, err
	}
	return openIDToken{
		ID: got.ID, Refresh: got.Refresh, Expires: id.Expires, Subject: id.Subject, Claims: id.Claims,
		Nonce: cmp.Or(want.Nonce, want.Earlier), Made: d.Clock.Local().UTC(),
	}, nil
}

// signInOpenID has a person sign in. before is who was signed in until now; empty for nobody.
func (d *Deps) signInOpenID(ctx context.Context, to plan.OIDC, before string) (t openIDToken, err error) {
	err = d.patience(ctx, to.Issuer, func(ctx context.Context, v *visit) error {
		p, err := d.provider(ctx, to)
		if err != nil {
			return err
		}
		if !d.openIDByDevice(to, p) {
			t, err = d.byOpenIDBrowser(ctx, v, to, p, before)
			return err
		}
		got, err := d.byOpenIDCode(ctx, v, to, p)
		if err != nil {
			return err
		}
		t, err = d.verified(ctx, to, p, got, signin.Want{})
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

// byOpenIDBrowser signs a person in with a browser. Who was signed in before need not be
// confirmed.
func (d *Deps) byOpenIDBrowser(ctx context.Context, v *visit, to plan.OIDC, p *signin.Provider, before string) (t openIDToken, err error) {
	if !p.Browses() {
		return openIDToken{}, &SignInError{To: to.Issuer, Err: errNoBrowserFlow}
	}
	err = d.byOpenIDPage(ctx, v, to, p, func(g signin.Grant) error {
		var got signin.Tokens
		err := d.within(ctx, to, "trade the code", func(ctx context.Context) (err error) {
			got, err = p.Trade(ctx, g)
			return err
		})
		if err != nil {
			return err
		}
		if t, err = d.verified(ctx, to, p, got, signin.Want{Nonce: g.Nonce}); err != nil || t.Subject == before {
			return err
		}
		return d.confirm(ctx, g, to.Issuer, t.person())
	})
	if err != nil {
		return openIDToken{}, err
	}
	return t, nil
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

func (d *Deps) byOpenIDCode(ctx context.Context, v *visit, to plan.OIDC, p *signin.Provider) (signin.Tokens, error) {
	if !p.Devices() {
		return signin.Tokens{}, &SignInError{To: to.Issuer, Err: errNoDeviceFlow}
	}
	var code signin.DeviceCode
	err := d.within(ctx, to, "make a code", func(ctx context.Context) (err error) {
		code, err = p.DeviceCode(ctx, to.Scopes)
		return err
	})
	if err != nil {
		return signin.Tokens{}, err
	}
	if err := v.toCode(to.Issuer, code); err != nil {
		return signin.Tokens{}, err
	}
	got, err := signin.Device(ctx, code, func(ctx context.Context) (got signin.Tokens, err error) {
		err = d.within(ctx, to, "poll", func(ctx context.Context) (err error) {
			got, err = p.Poll(ctx, code)
			return err
		})
		return got, err
	}, d.Sleep)
	for _, over := range []error{signin.ErrDenied, signin.ErrTimeout} { // it is the person who has answered
		if _, refused := errors.AsType[*signin.GrantError](err); refused && errors.Is(err, over) {
			return got, over
		}
	}
	return got, err
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
