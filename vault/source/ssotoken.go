package source

import (
	"context"
	"errors"
	"time"

	"aws-vault/vault/awsapi"
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
	Access  string           `json:"access_token"`
	Refresh string           `json:"refresh_token,omitempty"`
	Expires time.Time        `json:"expires"`
	Client  awsapi.IDCClient `json:"client"`            // who may use the refresh token
	SignIn  string           `json:"sign_in,omitempty"` // by which it all began; see signInID

	fromAWSCLI bool // it is another program's, and not to be kept
}

const (
	renewBefore       = 5 * time.Minute  // a token is renewed when it has less left
	minTokenValidity  = 10 * time.Second // the least that it is used with
	minClientValidity = 15 * time.Minute // a registration outlasts the sign-in that it is for
)

func clientValid(c awsapi.IDCClient, now time.Time) bool {
	return c.ID != "" && c.Secret != "" && c.Expires.After(now.Add(minClientValidity))
}

// renewable reports whether another token can be had without a person.
func (t ssoToken) renewable(now time.Time) bool {
	return t.Refresh != "" && t.Client.ID != "" && t.Client.Expires.After(now)
}

// signInID tells the sign-ins to one portal apart. The portal does not say who signs in, so that each sign-in has
// a random name, which stays while its token is renewed. A token of the AWS CLI, or of a version that gave no names, is
// one of its own.
func (t ssoToken) signInID() string {
	if t.SignIn == "" && t.Access != "" {
		return plan.Fingerprint("aws-vault SSO sign-in 1", t.Access)
	}
	return t.SignIn
}

func (t ssoToken) valid(now time.Time) bool {
	return t.Access != "" && t.Expires.After(now.Add(minTokenValidity))
}

func (t ssoToken) fresh(now time.Time) bool {
	return t.valid(now) && (!t.renewable(now) || t.Expires.After(now.Add(renewBefore)))
}

// expiry is when the token is of no more use: one that can be renewed lives as long as who
// may renew it.
func (t ssoToken) expiry() time.Time {
	if t.fromAWSCLI {
		return time.Time{}
	}
	if t.Refresh != "" && t.Client.Expires.After(t.Expires) {
		return t.Client.Expires
	}
	return t.Expires
}

// SignIn returns a token that serves, after a person has signed in if it takes one, for
// other programs.
func (s SSO) SignIn(ctx context.Context) (store.CachedToken, error) {
	t, err := s.token(ctx, "")
	return store.CachedToken{StartURL: s.to.StartURL, Region: s.to.Region, AccessToken: t.Access, ExpiresAt: t.Expires}, err
}

// token returns a token that serves, and whose access token is not the one that was
// refused: the one kept, a renewed one, another program's, or that of a person who signs
// in.
func (s SSO) token(ctx context.Context, refused string) (ssoToken, error) {
	d := s.deps
	serves := func(t ssoToken) bool { return t.fresh(d.AWS.Clock.Local()) && t.Access != refused }
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: string(s.to.Token()), Question: "the sign-in to " + s.to.StartURL,
		Usable: func(k store.Token) bool {
			t, ok := decode[ssoToken](k)
			return ok && serves(t)
		},
		Create: func(ctx context.Context, k store.Token, exchange *store.Exchange) (store.Token, error) {
			old, _ := decode[ssoToken](k)
			t, err := s.newToken(ctx, old, refused, exchange)
			return t.encode(s.to), err
		},
	})
	d.warn(warnings)
	t, _ := decode[ssoToken](kept)
	return t, err
}

// encode is the token as it is kept.
func (t ssoToken) encode(s plan.SSO) store.Token {
	k := encode(KindSSOToken, s.Label(), t.expiry(), t)
	k.SignedInAs = t.signInID()
	return k
}

// SignInID returns which sign-in to the portal is held, ours or else the AWS CLI's; empty for none. It asks nobody.
func (s SSO) SignInID(ctx context.Context) (string, error) {
	by, err := s.deps.Tokens.SignedInAs(ctx, string(s.to.Token()), func(k store.Token) string {
		t, _ := decode[ssoToken](k)
		return t.signInID()
	})
	if theirs, ok := s.cliToken(); err == nil && by == "" && ok {
		by = ssoToken{Access: theirs.AccessToken}.signInID()
	}
	return by, err
}

// Stored reports whether a token for the portal is held that serves, or can be renewed,
// without a person.
func (s SSO) HasToken(ctx context.Context) bool {
	kept, _, err := s.deps.Tokens.Find(ctx, string(s.to.Token()))
	t, ok := decode[ssoToken](kept)
	now := s.deps.AWS.Clock.Local()
	return err == nil && ok && (t.valid(now) || t.renewable(now))
}

// newToken makes a token in place of an old one, silently if that can be.
func (s SSO) newToken(ctx context.Context, old ssoToken, refused string, exchange *store.Exchange) (ssoToken, error) {
	d := s.deps
	if err := d.AWS.CheckEndpoint(awsapi.Endpoint(s.to.OIDC)); err != nil {
		return ssoToken{}, err
	}
	now := d.AWS.Clock.Local()
	usable := old.valid(now) && old.Access != refused
	renews, err := old.renewable(now), error(nil)
	if renews {
		renews, err = d.canRenew(ctx, s.to.StartURL, exchange)
	}
	if err != nil {
		return ssoToken{}, err
	}
	if renews {
		made, err := s.exchange(ctx, old.Client, awsapi.Grant{Type: awsapi.GrantRefresh, Refresh: old.Refresh}, old.signInID(), exchange)
		switch {
		case err == nil:
			return made, nil
		case usable:
			d.debug("the token could not be renewed and is used as long as it lasts", "portal", s.to.StartURL)
			return old, nil
		case !errors.Is(err, errGrantRejected) && !errors.Is(err, errClientRejected) && !signin.NotCompleted(err):
			return ssoToken{}, err // a person could do no better
		}
	}
	if usable {
		return old, nil
	}
	if theirs, ok := s.cliToken(); ok && theirs.AccessToken != refused && theirs.ExpiresAt.After(now.Add(minTokenValidity)) {
		d.debug("the AWS CLI's token is used", "portal", s.to.StartURL)
		return ssoToken{Access: theirs.AccessToken, Expires: theirs.ExpiresAt, fromAWSCLI: true}, nil
	}
	return s.signIn(ctx, exchange)
}

// cliToken is what the AWS CLI keeps of a sign-in to the same portal. Its token is used as
// it is and never renewed, for that would take it away from the AWS CLI.
func (s SSO) cliToken() (store.CachedToken, bool) {
	if s.deps.Cache == nil {
		return store.CachedToken{}, false
	}
	t, ok := s.deps.Cache.Token(s.to.CacheName())
	return t, ok && t.StartURL == s.to.StartURL && t.Region == s.to.Region && t.AccessToken != ""
}
