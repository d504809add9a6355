package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
	"aws-vault/vault/partition"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/store"
)

// KindLoginToken marks the sign-ins with aws login in the list of tokens.
const KindLoginToken = "login token"

// loginToken is a stored aws login sign-in: credentials, and a refresh token that can be exchanged for new credentials.
type loginToken struct {
	Session string    `json:"login_session"` // ARN of the identity that signed in
	KeyID   string    `json:"access_key_id"`
	Secret  string    `json:"secret_access_key"`
	Token   string    `json:"session_token"`
	Expires time.Time `json:"expires"`
	Refresh string    `json:"refresh_token"` // valid for one use
	Client  string    `json:"client_id"`
	Key     string    `json:"proof_key"` // key that the refresh token is bound to
	Until   time.Time `json:"until"`     // latest end of the sign-in

	// Region and endpoint of the sign-in. The sign-in must be renewed in this region, because AWS refuses its
	// refresh token in every other region. A token that an earlier version stored has no region and is renewed in
	// the profile's region. The trusted roots and the retry settings always come from the profile.
	Region   string        `json:"region,omitempty"`
	Endpoint plan.Endpoint `json:"endpoint,omitzero"`

	fromAWSCLI bool   // read from the AWS CLI's cache, so it must not be stored
	expected   string // ARN of the identity that must sign in; empty if any identity may
}

// signInID returns an ID that distinguishes the sign-ins of one identity. It is derived from the proof key,
// which stays the same when aws-vault or the AWS CLI renews the sign-in.
func (t loginToken) signInID() string {
	if t.Key == "" {
		return plan.Fingerprint("aws-vault login 1", t.KeyID)
	}
	return plan.Fingerprint("aws-vault login 1", t.Key)
}

func (t loginToken) credentials() aws.Credentials {
	return aws.Credentials{
		AccessKeyID: t.KeyID, SecretAccessKey: t.Secret, SessionToken: t.Token,
		AccountID: partition.AccountOf(t.Session), CanExpire: true, Expires: t.Expires,
	}
}

// loginLifetime is how long a sign-in can be renewed.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
const loginLifetime = 12 * time.Hour

func (t loginToken) validFor(now time.Time, need time.Duration) bool {
	return t.KeyID != "" && t.Expires.After(now.Add(need))
}

func (t loginToken) expiry() time.Time {
	if t.fromAWSCLI {
		return time.Time{}
	}
	return t.Until
}

// LoginRequiredError reports that there is no valid aws login sign-in.
type LoginRequiredError struct {
	Session string // ARN of the expected identity
	Profile string
	Cached  bool // whether the AWS CLI has an expired sign-in that it can renew
}

func (e *LoginRequiredError) Error() string {
	return fmt.Sprintf("profile %s: %s is not signed in, or the sign-in has expired", e.Profile, e.Session)
}

// An AWSLogin is the user's aws login sign-in for one step.
type AWSLogin struct {
	deps *Deps
	step plan.Step
}

// AWSLogin returns the aws login sign-in for a step.
func (d *Deps) AWSLogin(s plan.Step) AWSLogin { return AWSLogin{d, s} }

// atOrigin returns a copy of l with the region and endpoint with which the sign-in t began. AWS renews a sign-in
// only in its original region.
func (l AWSLogin) atOrigin(t loginToken) AWSLogin {
	if t.Region == "" {
		return l
	}
	l.step.Region = t.Region
	to, began := &l.step.Endpoint, t.Endpoint
	to.URL, to.Origin, to.PlainHTTP, to.FIPS, to.DualStack = began.URL, began.Origin, began.PlainHTTP, began.FIPS, began.DualStack
	return l
}

// withOrigin returns t with the region and endpoint of the step.
func (t loginToken) withOrigin(s plan.Step) loginToken {
	e := s.Endpoint
	t.Region, t.Endpoint = s.Region, plan.Endpoint{URL: e.URL, Origin: e.Origin, PlainHTTP: e.PlainHTTP, FIPS: e.FIPS, DualStack: e.DualStack}
	return t
}

// api returns the client for the sign-in service.
func (l AWSLogin) api() awsapi.Login { return awsapi.Login{Client: l.deps.AWS, Target: target(l.step)} }

// credentials returns the credentials of a sign-in. If they are about to expire, it renews them first. Because
// each refresh token is valid for one use, the new refresh token is stored before anything else happens.
func (l AWSLogin) credentials(ctx context.Context, spec plan.Login) (aws.Credentials, error) {
	d := l.deps
	stored, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: string(spec.TokenDigest()), Question: "the sign-in of " + spec.Session,
		Usable: func(k store.Token) bool {
			t, ok := decode[loginToken](k)
			return ok && t.validFor(d.AWS.Clock.Local(), renewBefore)
		},
		Create: func(ctx context.Context, k store.Token, exchange *store.Exchange) (store.Token, error) {
			old, _ := decode[loginToken](k)
			made, err := l.renew(ctx, spec, old, exchange)
			return made.token(), err
		},
	})
	d.warn(warnings)
	if err != nil {
		return aws.Credentials{}, err
	}
	t, _ := decode[loginToken](stored)
	if now := t.signInID(); now != spec.SignIn {
		spec.SignIn = now
		return aws.Credentials{}, &IdentityChangedError{Source: "the sign-in of " + spec.Session, Spec: spec}
	}
	return t.credentials(), nil
}

// token returns the sign-in in the form in which it is stored.
func (t loginToken) token() store.Token {
	k := encode(KindLoginToken, t.Session, t.expiry(), t)
	k.SignedInAs = t.signInID()
	return k
}

// LoginSignInID returns the ID of the current sign-in, from the keystore or else from the AWS CLI's cache. The ID is
// empty if there is no sign-in. LoginSignInID never prompts.
func (d *Deps) LoginSignInID(ctx context.Context, l plan.Login) (string, error) {
	by, err := d.Tokens.SignedInAs(ctx, string(l.TokenDigest()), func(k store.Token) string {
		t, _ := decode[loginToken](k)
		return t.signInID()
	})
	if err != nil || by != "" || d.Logins == nil {
		return by, err
	}
	if cli, ok := d.Logins.Login(l.Session); ok {
		by = fromCache(l.Session, cli).signInID()
	}
	return by, nil
}

func (l AWSLogin) renew(ctx context.Context, spec plan.Login, old loginToken, exchange *store.Exchange) (loginToken, error) {
	now := l.deps.AWS.Clock.Local()
	if old.Refresh == "" {
		return l.cliSignIn(spec)
	}
	made, err := l.refresh(ctx, old, exchange)
	switch {
	case err == nil:
		return made, nil
	case old.validFor(now, minTokenValidity):
		l.deps.debug("the sign-in could not be renewed; using it until it expires", "session", spec.Session)
		return old, nil
	case awsapi.LoginEnded(err):
		return loginToken{}, &LoginRequiredError{Session: spec.Session, Profile: l.step.Profile}
	}
	return loginToken{}, err
}

// cliSignIn returns the AWS CLI's sign-in without renewing it. If aws-vault renewed that sign-in, the AWS CLI could no
// longer renew it.
func (l AWSLogin) cliSignIn(spec plan.Login) (loginToken, error) {
	required := &LoginRequiredError{Session: spec.Session, Profile: l.step.Profile}
	if l.deps.Logins == nil {
		return loginToken{}, required
	}
	cli, ok := l.deps.Logins.Login(spec.Session)
	t := fromCache(spec.Session, cli)
	t.fromAWSCLI, required.Cached = true, ok && cli.RefreshToken != ""
	if !ok || !t.validFor(l.deps.AWS.Clock.Local(), minTokenValidity) || awsapi.InvalidReason(t.credentials()) != "" {
		return loginToken{}, required
	}
	return t, nil
}

func fromCache(session string, l store.CachedLogin) loginToken {
	given := l.AccessToken
	return loginToken{
		Session: session, Refresh: l.RefreshToken, Client: l.ClientID, Key: l.ProofKey, Region: l.SignInRegion,
		KeyID: given.AccessKeyID, Secret: given.SecretAccessKey, Token: given.SessionToken, Expires: given.ExpiresAt.UTC(),
	}
}

// refresh exchanges the refresh token for new credentials and a new refresh token.
func (l AWSLogin) refresh(ctx context.Context, old loginToken, exchange *store.Exchange) (loginToken, error) {
	key, err := awsapi.ParseProofKey(old.Key)
	if err != nil {
		return loginToken{}, err
	}
	if err := exchange.Prepare(ctx); err != nil {
		return loginToken{}, fmt.Errorf("the sign-in of %s cannot be renewed: %w", old.Session, err)
	}
	return l.atOrigin(old).exchange(ctx, key, awsapi.LoginGrant{Client: old.Client, Type: awsapi.GrantRefresh, Refresh: old.Refresh}, old, exchange)
}

// exchange exchanges a grant for credentials, and proves that aws-vault holds the key. Fields that the response lacks
// are copied from the sign-in old.
//
// If the parameter to is not nil, the response is stored at once. The refresh token is stored even if the credentials
// in the response are invalid. Nothing is stored if the identity that signed in is unknown or not the expected one.
func (l AWSLogin) exchange(ctx context.Context, key awsapi.ProofKey, g awsapi.LoginGrant, old loginToken, to *store.Exchange) (t loginToken, err error) {
	d, api := l.deps, l.api()
	if err := api.Check(); err != nil {
		return loginToken{}, err
	}
	if old.Key, err = key.PEM(); err != nil {
		return loginToken{}, err
	}
	old = old.withOrigin(l.step)
	api.MeasureClock(ctx)
	began := d.AWS.Clock.Local()
	ctx, end, err := d.beginExchange(ctx, api.EndpointName())
	if err != nil {
		return loginToken{}, err
	}
	defer end()
	var unusable error
	err = api.CreateToken(ctx, key, g, func(a awsapi.LoginTokens) {
		t, unusable = old.renewed(a, began)
		if to != nil && t.Refresh != old.Refresh && t.Session != "" && !isIdentityError(unusable) {
			to.SaveAs(string(plan.Login{Session: t.Session}.TokenDigest()), t.token())
		}
	})
	switch {
	case err != nil:
		return loginToken{}, err
	case errors.Is(unusable, errNoCredentials):
		return loginToken{}, fmt.Errorf("%s: %s %w", awsapi.ActionLogin, api.EndpointName(), unusable)
	case unusable != nil:
		return loginToken{}, unusable
	}
	return t, nil
}

var errNoCredentials = errors.New("returned no credentials")

func isIdentityError(err error) bool {
	var identityErr *IdentityError
	return errors.As(err, &identityErr)
}

// renewed returns a copy of t with the values from AWS's response. If renewed returns an error, the copy has no
// credentials, and may have no identity.
func (t loginToken) renewed(a awsapi.LoginTokens, began time.Time) (loginToken, error) {
	wanted := t.expected
	if a.Refresh != "" {
		t.Refresh = a.Refresh
	}
	t.KeyID, t.Secret, t.Token, t.Expires = "", "", "", time.Time{}
	if t.Session == "" { // true for a new sign-in; a renewal does not change the identity
		who, err := tokenSubject(a.ID)
		if err != nil {
			return t, err
		}
		if t.Session = who; wanted != "" && who != wanted {
			return t, &IdentityError{Found: who, Want: wanted}
		}
	}
	given := a.Credentials
	made := t
	made.KeyID, made.Secret, made.Token = given.AccessKeyID, given.SecretAccessKey, given.SessionToken
	made.Expires = began.Add(a.ExpiresIn).UTC()
	if awsapi.InvalidReason(made.credentials()) != "" || given.SessionToken == "" || a.ExpiresIn <= 0 || a.Refresh == "" {
		return t, errNoCredentials
	}
	return made, nil
}

// tokenSubject returns the subject of an ID token. The signature is not verified, because the token came
// directly from AWS over TLS.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func tokenSubject(token string) (string, error) {
	var claims struct {
		Subject string `json:"sub"`
	}
	if !identity.ReadUnverified(token, &claims) || !strings.HasPrefix(claims.Subject, "arn:") || !printable.Is(claims.Subject) {
		return "", errors.New("the response does not contain the identity that signed in")
	}
	return claims.Subject, nil
}
