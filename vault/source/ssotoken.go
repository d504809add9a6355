package source

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// Kinds of tokens, as a list of them says.
const (
	KindSSOToken  = "SSO token"
	KindSSOClient = "SSO registration"
)

// ssoToken is what a sign-in to IAM Identity Center gave.
type ssoToken struct {
	Access  string     `json:"access_token"`
	Refresh string     `json:"refresh_token,omitempty"`
	Expires time.Time  `json:"expires"`
	Client  oidcClient `json:"client"`            // who may use the refresh token
	SignIn  string     `json:"sign_in,omitempty"` // by which it all began; see signedInBy

	theirs bool // it is another program's, and not to be kept
}

// oidcClient is this program as IAM Identity Center knows it.
type oidcClient struct {
	ID      string    `json:"client_id"`
	Secret  string    `json:"client_secret"`
	Expires time.Time `json:"expires"`
}

const (
	tokenNeed  = 5 * time.Minute  // a token is renewed when it has less left
	tokenLeast = 10 * time.Second // the least that it is used with
	clientNeed = 15 * time.Minute // a registration outlasts the sign-in that it is for
)

func (c oidcClient) serves(now time.Time) bool {
	return c.ID != "" && c.Secret != "" && c.Expires.After(now.Add(clientNeed))
}

// renewable reports whether another token can be had without a person.
func (t ssoToken) renewable(now time.Time) bool {
	return t.Refresh != "" && t.Client.ID != "" && t.Client.Expires.After(now)
}

// signedInBy tells the sign-ins to one portal apart. The portal does not say who signs in, so that each sign-in has
// a random name, which stays while its token is renewed. A token of the AWS CLI, or of a version that gave no names, is
// one of its own.
func (t ssoToken) signedInBy() string {
	if t.SignIn == "" && t.Access != "" {
		return plan.Fingerprint("aws-vault SSO sign-in 1", t.Access)
	}
	return t.SignIn
}

func (t ssoToken) valid(now time.Time) bool {
	return t.Access != "" && t.Expires.After(now.Add(tokenLeast))
}

func (t ssoToken) serves(now time.Time) bool {
	return t.valid(now) && (!t.renewable(now) || t.Expires.After(now.Add(tokenNeed)))
}

// ends is when the token is of no more use: one that can be renewed lives as long as who
// may renew it.
func (t ssoToken) ends() time.Time {
	if t.theirs {
		return time.Time{}
	}
	if t.Refresh != "" && t.Client.Expires.After(t.Expires) {
		return t.Client.Expires
	}
	return t.Expires
}

// SignIn returns a token that serves, after a person has signed in if it takes one, for
// other programs.
func (d *Deps) SignIn(ctx context.Context, e plan.Endpoint, s plan.SSO) (store.CachedToken, error) {
	t, err := d.ssoToken(ctx, e, s, "")
	return store.CachedToken{StartURL: s.StartURL, Region: s.Region, AccessToken: t.Access, ExpiresAt: t.Expires}, err
}

// ssoToken returns a token that serves, and whose access token is not the one that was
// refused: the one kept, a renewed one, another program's, or that of a person who signs
// in.
func (d *Deps) ssoToken(ctx context.Context, e plan.Endpoint, s plan.SSO, refused string) (ssoToken, error) {
	serves := func(t ssoToken) bool { return t.serves(d.Clock.Local()) && t.Access != refused }
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: string(s.Token()), Question: "the sign-in to " + s.StartURL,
		Serves: func(k store.Token) bool {
			t, ok := decode[ssoToken](k)
			return ok && serves(t)
		},
		Make: func(ctx context.Context, k store.Token, trade *store.Trade) (store.Token, error) {
			old, _ := decode[ssoToken](k)
			t, err := d.newSSOToken(ctx, e, s, old, refused, trade)
			return t.encode(s), err
		},
	})
	d.warn(warnings)
	t, _ := decode[ssoToken](kept)
	return t, err
}

// encode is the token as it is kept.
func (t ssoToken) encode(s plan.SSO) store.Token {
	k := encode(KindSSOToken, s.Label(), t.ends(), t)
	k.Who = t.signedInBy()
	return k
}

// SSOSignIn returns which sign-in to the portal is held, ours or else the AWS CLI's; empty for none. It asks nobody.
func (d *Deps) SSOSignIn(ctx context.Context, s plan.SSO) (string, error) {
	by, err := d.Tokens.Who(ctx, string(s.Token()), func(k store.Token) string {
		t, _ := decode[ssoToken](k)
		return t.signedInBy()
	})
	if theirs, ok := d.cached(s); err == nil && by == "" && ok {
		by = ssoToken{Access: theirs.AccessToken}.signedInBy()
	}
	return by, err
}

// newSSOToken makes a token in place of an old one, silently if that can be.
func (d *Deps) newSSOToken(ctx context.Context, e plan.Endpoint, s plan.SSO, old ssoToken, refused string, trade *store.Trade) (ssoToken, error) {
	if err := d.checkEndpoint(s.OIDC); err != nil {
		return ssoToken{}, err
	}
	now := d.Clock.Local()
	usable := old.valid(now) && old.Access != refused
	renews, err := old.renewable(now), error(nil)
	if renews {
		renews, err = d.canRenew(ctx, s.StartURL, trade)
	}
	if err != nil {
		return ssoToken{}, err
	}
	if renews {
		made, err := d.trade(ctx, s, old.Client, refreshGrant(old.Refresh), old.signedInBy(), trade)
		switch {
		case err == nil:
			return made, nil
		case usable:
			d.debug("the token could not be renewed and is used as long as it lasts", "portal", s.StartURL)
			return old, nil
		case !errors.Is(err, errGrant) && !errors.Is(err, errClient) && !signin.Over(err):
			return ssoToken{}, err // a person could do no better
		}
	}
	if usable {
		return old, nil
	}
	if theirs, ok := d.cached(s); ok && theirs.AccessToken != refused && theirs.ExpiresAt.After(now.Add(tokenLeast)) {
		d.debug("the AWS CLI's token is used", "portal", s.StartURL)
		return ssoToken{Access: theirs.AccessToken, Expires: theirs.ExpiresAt, theirs: true}, nil
	}
	return d.signIn(ctx, e, s, trade)
}

// canRenew reports whether what a refresh token is traded for can be stored. If not, it is better
// not sent: the sign-in would be lost.
func (d *Deps) canRenew(ctx context.Context, to string, trade *store.Trade) (bool, error) {
	err := trade.Ready(ctx)
	if isUnwritable(err) {
		d.tellOnce(fmt.Sprintf("the sign-in to %s is not renewed: %v", to, err))
		return false, nil
	}
	return err == nil, err
}

func isUnwritable(err error) bool {
	var no *store.UnwritableError
	return errors.As(err, &no)
}

// cached is what the AWS CLI keeps of a sign-in to the same portal. Its token is used as
// it is and never renewed, for that would take it away from the AWS CLI.
func (d *Deps) cached(s plan.SSO) (store.CachedToken, bool) {
	if d.Cache == nil {
		return store.CachedToken{}, false
	}
	t, ok := d.Cache.Token(s.CacheName())
	return t, ok && t.StartURL == s.StartURL && t.Region == s.Region && t.AccessToken != ""
}

// Logout ends the token that is held for the portal, there and here. It reports whether
// there was one; an error is of the portal, and the token is gone from here all the same,
// unless the keystore says otherwise.
func (d *Deps) Logout(ctx context.Context, e plan.Endpoint, s plan.SSO) (bool, error) {
	name := string(s.Token())
	kept, _, err := d.Tokens.Find(ctx, name)
	if err != nil {
		return false, err
	}
	t, held := decode[ssoToken](kept)
	if !held {
		return false, nil
	}
	if t.valid(d.Clock.Local()) {
		err = d.logout(ctx, e, s, t.Access)
	}
	_, warnings, removing := d.Tokens.Remove(ctx, func(e store.Entry) bool { return e.Name == name })
	d.warn(warnings)
	if removing != nil {
		return true, removing
	}
	return true, err
}

// SSOHeld reports whether a token for the portal is held that serves, or can be renewed,
// without a person.
func (d *Deps) SSOHeld(ctx context.Context, s plan.SSO) bool {
	kept, _, err := d.Tokens.Find(ctx, string(s.Token()))
	t, ok := decode[ssoToken](kept)
	now := d.Clock.Local()
	return err == nil && ok && (t.valid(now) || t.renewable(now))
}

// signIn has a person sign in. A registration that turns out to be none is replaced, once.
func (d *Deps) signIn(ctx context.Context, e plan.Endpoint, s plan.SSO, trade *store.Trade) (t ssoToken, err error) {
	if err := trade.Ready(ctx); err != nil && !isUnwritable(err) { // else it serves this process
		return t, err
	}
	err = d.patience(ctx, s.StartURL, func(ctx context.Context, v *visit) error {
		refused := ""
		for range 2 {
			var c oidcClient
			if c, err = d.registered(ctx, s, refused); err != nil {
				return err
			}
			if d.Person.Device {
				t, err = d.byDevice(ctx, v, s, c, trade)
			} else {
				t, err = d.byBrowser(ctx, v, e, s, c, trade)
			}
			if !errors.Is(err, errClient) {
				return err
			}
			refused = c.ID
		}
		return err
	})
	return t, err
}

// registered returns this program's registration, and makes one where there is none, or
// only the one that was refused. Each way to sign in has its own.
func (d *Deps) registered(ctx context.Context, s plan.SSO, refused string) (oidcClient, error) {
	flow := "browser"
	if d.Person.Device {
		flow = "device"
	}
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: plan.Fingerprint("aws-vault SSO registration 1", string(s.Token()), flow), Question: "the registration with " + s.StartURL,
		Serves: func(k store.Token) bool {
			c, ok := decode[oidcClient](k)
			return ok && c.serves(d.Clock.Local()) && c.ID != refused
		},
		Make: func(ctx context.Context, _ store.Token, _ *store.Trade) (store.Token, error) {
			if c, ok := d.theirRegistration(s); ok && c.ID != refused {
				return encode(KindSSOClient, s.Label(), time.Time{}, c), nil
			}
			c, err := d.register(ctx, s)
			return encode(KindSSOClient, s.Label(), c.Expires, c), err
		},
	})
	d.warn(warnings)
	c, _ := decode[oidcClient](kept)
	return c, err
}

// theirRegistration is that of the AWS CLI. With a browser it could not be noticed that
// it was made for another way to sign in: only a person would see the page that says so.
func (d *Deps) theirRegistration(s plan.SSO) (oidcClient, bool) {
	t, ok := d.cached(s)
	c := oidcClient{t.ClientID, t.ClientSecret, t.RegistrationExpiresAt}
	return c, ok && d.Person.Device && c.serves(d.Clock.Local())
}

// byBrowser signs a person in with a browser of this machine. A sign-in that the user has to confirm
// is not stored before.
func (d *Deps) byBrowser(ctx context.Context, v *visit, e plan.Endpoint, s plan.SSO, c oidcClient, trade *store.Trade) (t ssoToken, err error) {
	page := func(p signin.Proof, redirect string) string { return authorizeURL(s, c, p, redirect) }
	show := func(page string) error { return v.toPage(s.StartURL, page) }
	err = signin.Code(ctx, d.Person.back(), page, show, func(g signin.Grant) error {
		if !g.Proven {
			trade = nil
		}
		if t, err = d.trade(ctx, s, c, codeGrant(g), rand.Text(), trade); err != nil || g.Proven {
			return err
		}
		who, err := d.holder(ctx, e, s, t)
		if err != nil {
			return err
		}
		return d.confirm(ctx, g, s.StartURL, who)
	})
	if err != nil {
		return ssoToken{}, err
	}
	return t, nil
}

// holder says who has a token, by the accounts that it gives access to: no call names the user.
func (d *Deps) holder(ctx context.Context, e plan.Endpoint, s plan.SSO, t ssoToken) (string, error) {
	p, err := d.newPortal(e, s)
	if err != nil {
		return "", err
	}
	p.token = t.Access
	accounts, err := p.accounts(ctx)
	if err != nil {
		return "", err
	}
	if len(accounts) == 0 {
		return "a user without accounts", nil
	}
	const most = 5
	var names []string
	for _, a := range accounts[:min(len(accounts), most)] {
		names = append(names, fmt.Sprintf("%s (%s)", a.Name, a.ID))
	}
	if more := len(accounts) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return "a user of " + strings.Join(names, ", "), nil
}

// byDevice signs a person in on a machine of their choice.
func (d *Deps) byDevice(ctx context.Context, v *visit, s plan.SSO, c oidcClient, trade *store.Trade) (ssoToken, error) {
	code, err := d.deviceCode(ctx, s, c)
	if err != nil {
		return ssoToken{}, err
	}
	if err := v.toCode(s.StartURL, code); err != nil {
		return ssoToken{}, err
	}
	return signin.Device(ctx, code, func(ctx context.Context) (ssoToken, error) {
		return d.trade(ctx, s, c, deviceGrant(code), rand.Text(), trade)
	}, d.Sleep)
}

// decode reads the secret of a token that is kept.
func decode[T any](k store.Token) (T, bool) {
	var t T
	err := json.Unmarshal(k.Secret, &t)
	return t, err == nil
}

// encode makes a token to keep. Plain values of ours always can be.
func encode[T any](kind, label string, ends time.Time, t T) store.Token {
	secret, _ := json.Marshal(t)
	return store.Token{Kind: kind, Label: label, Ends: ends, Secret: secret}
}

func (d *Deps) warn(warnings []error) {
	for _, w := range warnings {
		d.tellOnce(w.Error())
	}
}
