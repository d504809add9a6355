package awsapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/partition"
)

// Login is AWS's sign-in at one target, as aws login uses it.
type Login struct {
	Client *Client
	At     Target
}

// at returns the address that sign-ins begin at, without a slash at its end. Its error says what is wrong with the
// region: a sign-in is never sent to a partition that the region may not be in.
// https://github.com/aws/aws-sdk-go-v2/blob/main/service/signin/endpoints.go
func (l Login) at() (string, error) {
	region, e := l.At.Region, l.At.Endpoint
	if e.URL != "" {
		return strings.TrimRight(e.URL, "/"), nil
	}
	if err := checkRegion(region); err != nil {
		return "", err
	}
	if !partition.Known(region) {
		return "", fmt.Errorf("the region to sign in to is %.80q, expected one such as eu-west-1", region)
	}
	d, in := domainsOf(region), partition.Of(region)
	switch {
	case e.FIPS && e.DualStack:
		return "https://signin-fips." + region + "." + d.dual, nil
	case e.FIPS && region == "us-gov-west-1":
		return "https://" + signInFIPSGov, nil
	case e.FIPS && in == "aws-us-gov":
		return "https://" + region + "." + signInFIPSGov, nil
	case e.FIPS:
		return "https://signin-fips." + region + "." + d.classic, nil
	case e.DualStack:
		return "https://signin." + region + "." + d.dual, nil
	}
	return "https://" + region + "." + partition.SignIn(in), nil
}

// signInFIPSGov is where one signs in to GovCloud with FIPS 140: its home region at the domain itself.
const signInFIPSGov = "signin-fips.amazonaws-us-gov.com"

// Check says whether one can sign in, without a call: the endpoint or the region is one.
func (l Login) Check() error {
	if _, err := l.at(); err != nil {
		return err
	}
	return l.Client.CheckEndpoint(l.At.Endpoint)
}

// Base is the address that sign-ins begin at, without a slash at its end. That of a region which [Login.Check] refuses
// is never called.
func (l Login) Base() string {
	at, _ := l.at()
	return at
}

// Place names where the calls go, for errors.
func (l Login) Place() string {
	if at, err := l.at(); err == nil {
		return siteOf(at)
	}
	return "the sign-in in " + l.At.Region
}

// Page is the address of the page on which a person signs in. It holds no secret. AWS spells the
// method as it does.
func (l Login) Page(p Page) string {
	return l.Base() + "/v1/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {p.Client}, "redirect_uri": {p.Redirect}, "state": {p.State},
		"code_challenge": {p.Challenge}, "code_challenge_method": {"SHA-256"}, "scope": p.Scopes,
	}.Encode()
}

// A LoginGrant is what credentials are traded for.
type LoginGrant struct {
	Client   string `json:"clientId"`
	Code     string `json:"code,omitempty"`
	Verifier string `json:"codeVerifier,omitempty"`
	Type     string `json:"grantType"`
	Redirect string `json:"redirectUri,omitempty"`
	Refresh  string `json:"refreshToken,omitempty"`
}

// LoginTokens are what the token endpoint gave. Any of it may be missing.
type LoginTokens struct {
	Credentials aws.Credentials // without their end
	Lasts       time.Duration   // the credentials
	Refresh     string          // good for one use
	ID          string          // a token that says who has signed in
}

// ActionLogin names in errors what [Login.CreateToken] does.
const ActionLogin = "CreateOAuth2Token"

// MeasureClock is as that of [STS], and takes a few seconds at most. AWS refuses a proof that is half a minute wrong, and
// does not say that the time is the reason.
func (l Login) MeasureClock(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	l.Client.measure(limited, l.At.Endpoint.CABundle, l.Base())
}

const measureTime = 5 * time.Second

// CreateToken exchanges a grant for credentials, with a proof that the grant was issued to the holder of key. The call is
// repeated as max_attempts and retry_mode say, all within the deadline of one call. If AWS says that the grant has expired
// and this machine's clock is wrong, the proof is signed again with AWS's time, once.
//
// As soon as AWS answers with tokens, CreateToken passes them to came, before anything else, because the grant
// cannot be used again. [LoginEnded] recognises the errors after which the user must sign in again.
func (l Login) CreateToken(ctx context.Context, key ProofKey, g LoginGrant, came func(LoginTokens)) error {
	hc, err := l.Client.Network.client(l.At.Endpoint.CABundle, formJSON)
	if err != nil {
		return err
	}
	c := call{action: ActionLogin, place: l.Place(), client: hc, secrets: []string{g.Code, g.Verifier, g.Refresh}}
	var refused error
	timed := false
	post := func(ctx context.Context) error {
		before := l.Client.Clock.Offset()
		got, err := l.post(ctx, c, key, g)
		if err == nil && !timed && expired(got.refused) && !got.date.IsZero() && l.Client.setExact(before, got.date) {
			timed = true
			got, err = l.post(ctx, c, key, g)
		}
		if err == nil && got.refused == nil {
			came(got.tokens)
		}
		refused = got.refused
		return cmp.Or(err, refused)
	}
	err = l.Client.unsigned(ctx, c, func(ctx context.Context) error {
		err := l.Client.try(ctx, l.At.Endpoint.retries(), false, func() error { return post(ctx) })
		if refused != nil && errors.Is(err, refused) {
			return nil // the refusal is returned below, without what unsigned adds to errors of the network
		}
		return err
	})
	if err != nil {
		return err
	}
	return refused
}

// A loginAnswer is what the token endpoint answered: tokens, or why it gave none.
type loginAnswer struct {
	tokens  LoginTokens
	refused error
	date    time.Time // when it was refused, by AWS's clock; zero if that is not known
}

// post makes one call. Its error is of the way there.
func (l Login) post(ctx context.Context, c call, key ProofKey, g LoginGrant) (loginAnswer, error) {
	address := l.Base() + "/v1/token"
	proof, err := key.prove(http.MethodPost, address, l.Client.Clock.Exact())
	if err != nil {
		return loginAnswer{}, err
	}
	body, err := json.Marshal(g)
	if err != nil {
		return loginAnswer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return loginAnswer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("DPoP", proof)
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := c.client.Do(r)
	if err != nil {
		return loginAnswer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body) // whole and bounded: see checked
	if err != nil {
		return loginAnswer{}, err
	}
	if resp.StatusCode != http.StatusOK {
		refused := loginAnswer{refused: c.loginRefusal(resp.StatusCode, resp.Header, text)}
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && proven(r.URL, resp.TLS != nil) {
			refused.date = date
		}
		return refused, nil
	}
	return c.readLogin(text), nil
}

func (c call) readLogin(text []byte) loginAnswer {
	var out struct {
		AccessToken struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
		} `json:"accessToken"`
		ExpiresIn    int    `json:"expiresIn"` // seconds
		RefreshToken string `json:"refreshToken"`
		IDToken      string `json:"idToken"`
	}
	if json.Unmarshal(text, &out) != nil {
		return loginAnswer{refused: fmt.Errorf("%s: %s answered without credentials", c.action, c.place)}
	}
	given := out.AccessToken
	return loginAnswer{tokens: LoginTokens{
		Credentials: aws.Credentials{AccessKeyID: given.AccessKeyID, SecretAccessKey: given.SecretAccessKey, SessionToken: given.SessionToken},
		Lasts:       time.Duration(out.ExpiresIn) * time.Second, Refresh: out.RefreshToken, ID: out.IDToken,
	}}
}

// The reasons for which a sign-in is over.
const (
	codeExpired        = "AUTHCODE_EXPIRED"
	tokenExpired       = "TOKEN_EXPIRED"
	credentialsChanged = "USER_CREDENTIALS_CHANGED"
)

// expired reports whether AWS says that a code or token has ended, as it does of a proof whose time is wrong.
func expired(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Code == codeExpired || api.Code == tokenExpired)
}

// LoginEnded reports whether an error of [Login.CreateToken] says that a person has to sign in anew.
func LoginEnded(err error) bool {
	var api *APIError
	return expired(err) || errors.As(err, &api) && api.Code == credentialsChanged
}

// loginRefusal says why the token endpoint refused. It gives a reason of its own, besides what AWS's services give.
func (c call) loginRefusal(status int, h http.Header, text []byte) error {
	var no refusal
	readJSONError(&no, h, text)
	var said struct {
		Reason string `json:"error"`
	}
	_ = json.Unmarshal(text, &said) // an answer without a reason is refused as well
	return &APIError{
		Action: c.action, Code: c.clean(cmp.Or(said.Reason, no.code)), Message: c.clean(no.message), Status: status,
		Retry: status >= http.StatusInternalServerError || status == http.StatusTooManyRequests,
	}
}
