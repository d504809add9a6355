package source

import (
	"context"
	"errors"
	"strings"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// Kinds of Identity Center items in the list of tokens.
const (
	KindSSOToken  = "SSO token"
	KindSSOClient = "SSO registration"
)

// ssoToken is a stored sign-in to IAM Identity Center.
type ssoToken struct {
	Access  string           `json:"access_token"`
	Refresh string           `json:"refresh_token,omitempty"`
	Expires time.Time        `json:"expires"`
	Client  awsapi.IDCClient `json:"client"`            // client that may use the refresh token
	SignIn  string           `json:"sign_in,omitempty"` // ID of the original sign-in, see signInID

	fromAWSCLI bool // read from the AWS CLI's cache, so it must not be stored
}

const (
	renewBefore       = 5 * time.Minute  // a token that is valid for less than this is renewed
	minTokenValidity  = 10 * time.Second // a token that is valid for less than this is not used
	minClientValidity = 15 * time.Minute // a client registration is used for a sign-in only if it is valid for at least this long
)

func clientValid(c awsapi.IDCClient, now time.Time) bool {
	return c.ID != "" && c.Secret != "" && c.Expires.After(now.Add(minClientValidity))
}

// renewable reports whether the token can be renewed without a prompt.
func (t ssoToken) renewable(now time.Time) bool {
	return t.Refresh != "" && t.Client.ID != "" && t.Client.Expires.After(now)
}

// signInID returns an ID that distinguishes the sign-ins to one portal. The portal does not report who signed in,
// so each sign-in gets a random ID. The ID stays the same when the token is renewed. A token from the AWS CLI or
// from an earlier version has no ID, so signInID derives the ID from the token.
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

// expiry returns the time at which the stored token can be removed. A renewable token is kept as long as its client
// registration is valid.
func (t ssoToken) expiry() time.Time {
	if t.fromAWSCLI {
		return time.Time{}
	}
	if t.Refresh != "" && t.Client.Expires.After(t.Expires) {
		return t.Client.Expires
	}
	return t.Expires
}

// SignIn returns a valid token for other programs. It signs the user in if necessary.
func (s SSO) SignIn(ctx context.Context) (store.CachedToken, error) {
	t, err := s.token(ctx, "")
	return store.CachedToken{StartURL: s.to.StartURL, Region: s.to.Region, AccessToken: t.Access, ExpiresAt: t.Expires}, err
}

// token returns a valid token: the stored token, a renewed token, the AWS CLI's token, or the token of a new
// sign-in. The parameter refused is an access token that Identity Center did not accept. The stored token and the AWS
// CLI's token are not returned if they contain this access token.
func (s SSO) token(ctx context.Context, refused string) (ssoToken, error) {
	d := s.deps
	serves := func(t ssoToken) bool { return t.fresh(d.AWS.Clock.Local()) && t.Access != refused }
	stored, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: string(s.to.TokenDigest()), Question: "the sign-in to " + s.to.StartURL,
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
	t, _ := decode[ssoToken](stored)
	return t, err
}

// encode returns the token in the form in which it is stored.
func (t ssoToken) encode(s plan.SSO) store.Token {
	k := encode(KindSSOToken, s.Label(), t.expiry(), t)
	k.SignedInAs = t.signInID()
	return k
}

// SignInID returns the ID of the current sign-in, from the keystore or else from the AWS CLI's cache. The ID is empty
// if there is no sign-in. SignInID never prompts.
func (s SSO) SignInID(ctx context.Context) (string, error) {
	by, err := s.deps.Tokens.SignedInAs(ctx, string(s.to.TokenDigest()), func(k store.Token) string {
		t, _ := decode[ssoToken](k)
		return t.signInID()
	})
	if cli, ok := s.cliToken(); err == nil && by == "" && ok {
		by = ssoToken{Access: cli.AccessToken}.signInID()
	}
	return by, err
}

// HasToken reports whether the stored token is valid or can be renewed without a prompt.
func (s SSO) HasToken(ctx context.Context) bool {
	stored, _, err := s.deps.Tokens.Find(ctx, string(s.to.TokenDigest()))
	t, ok := decode[ssoToken](stored)
	now := s.deps.AWS.Clock.Local()
	return err == nil && ok && (t.valid(now) || t.renewable(now))
}

// newToken replaces an old token. It signs the user in only if the token cannot be renewed.
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
	refusedClient := ""
	if renews {
		made, err := s.exchange(ctx, old.Client, awsapi.Grant{Type: awsapi.GrantRefresh, Refresh: old.Refresh}, old.signInID(), exchange)
		if errors.Is(err, errClientRejected) {
			refusedClient = old.Client.ID // with this registration, the browser would show only an error
		}
		switch {
		case err == nil:
			return made, nil
		case usable:
			d.debug("the token could not be renewed; using it until it expires", "portal", s.to.StartURL)
			return old, nil
		case !errors.Is(err, errGrantRejected) && !errors.Is(err, errClientRejected) && !signin.NotCompleted(err):
			return ssoToken{}, err // a new sign-in would fail as well
		}
	}
	if usable {
		return old, nil
	}
	if cli, ok := s.cliToken(); ok && cli.AccessToken != refused && cli.ExpiresAt.After(now.Add(minTokenValidity)) {
		d.debug("using the AWS CLI's token", "portal", s.to.StartURL)
		return ssoToken{Access: cli.AccessToken, Expires: cli.ExpiresAt, fromAWSCLI: true}, nil
	}
	return s.signIn(ctx, refusedClient, exchange)
}

// cliToken returns the AWS CLI's token for the same portal. aws-vault never renews that token, because the AWS CLI
// could then no longer use its own copy.
func (s SSO) cliToken() (store.CachedToken, bool) {
	if s.deps.Cache == nil {
		return store.CachedToken{}, false
	}
	t, ok := s.deps.Cache.Token(s.to.CacheName())
	ours := sameOrEmpty(trimStartURL(t.StartURL), trimStartURL(s.to.StartURL)) && sameOrEmpty(t.Region, s.to.Region)
	return t, ok && ours && t.AccessToken != ""
}

// sameOrEmpty compares a field of the AWS CLI's file. The SDKs require neither the start URL nor the region in the
// file, so either field may be missing.
func sameOrEmpty(found, expected string) bool { return found == "" || found == expected }

// trimStartURL returns a start URL without a slash or "#/" at the end, because all these forms name the same portal.
func trimStartURL(start string) string { return strings.TrimRight(start, "/#") }
