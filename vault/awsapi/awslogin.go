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

// Login calls AWS's sign-in endpoint, as aws login does.
type Login struct {
	Client *Client
	Target Target
}

// signInURL returns the URL of the sign-in endpoint, without a trailing slash. It fails if the partition of the
// region is unknown, because a sign-in must never be sent to the wrong partition.
// https://github.com/aws/aws-sdk-go-v2/blob/main/service/signin/endpoints.go
func (l Login) signInURL() (string, error) {
	region, e := l.Target.Region, l.Target.Endpoint
	if e.URL != "" {
		return strings.TrimRight(e.URL, "/"), nil
	}
	if err := checkRegion(region); err != nil {
		return "", err
	}
	if !partition.Known(region) {
		return "", fmt.Errorf("the region to sign in to is %.80q, expected a region such as eu-west-1", region)
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
	return "https://" + region + "." + partition.SignInDomain(in), nil
}

// signInFIPSGov is the FIPS 140 sign-in host of us-gov-west-1. In other GovCloud regions, the host is
// REGION.signin-fips.amazonaws-us-gov.com.
const signInFIPSGov = "signin-fips.amazonaws-us-gov.com"

// Check reports whether a sign-in is possible: the region and the endpoint must be valid. It sends nothing.
func (l Login) Check() error {
	if _, err := l.signInURL(); err != nil {
		return err
	}
	return l.Client.CheckEndpoint(l.Target.Endpoint)
}

// BaseURL returns the URL of the sign-in endpoint, without a trailing slash. It returns "" if the region is
// invalid or unknown.
func (l Login) BaseURL() string {
	at, _ := l.signInURL()
	return at
}

// EndpointName returns the endpoint's name for errors: its scheme and host if they are known.
func (l Login) EndpointName() string {
	if at, err := l.signInURL(); err == nil {
		return baseOf(at)
	}
	return "the sign-in endpoint in " + l.Target.Region
}

// AuthorizeURL returns the URL of the page where the user signs in. It contains no secret.
// AWS expects "SHA-256" as the challenge method, where other providers expect "S256".
func (l Login) AuthorizeURL(p AuthorizeRequest) string {
	return l.BaseURL() + "/v1/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {p.ClientID}, "redirect_uri": {p.RedirectURI}, "state": {p.State},
		"code_challenge": {p.CodeChallenge}, "code_challenge_method": {"SHA-256"}, "scope": p.Scopes,
	}.Encode()
}

// A LoginGrant is exchanged for credentials: an authorization code or a refresh token.
type LoginGrant struct {
	Client   string `json:"clientId"`
	Code     string `json:"code,omitempty"`
	Verifier string `json:"codeVerifier,omitempty"`
	Type     string `json:"grantType"`
	Redirect string `json:"redirectUri,omitempty"`
	Refresh  string `json:"refreshToken,omitempty"`
}

// LoginTokens holds the credentials and tokens that the token endpoint returned. Each field may be empty.
type LoginTokens struct {
	Credentials aws.Credentials // Expires is not set; see ExpiresIn
	ExpiresIn   time.Duration   // lifetime of Credentials
	Refresh     string          // refresh token, which can be used only once
	ID          string          // ID token, which names the user who signed in
}

// ActionLogin is AWS's name for the action of [Login.CreateToken]. Errors contain this name.
const ActionLogin = "CreateOAuth2Token"

// MeasureClock requests AWS's time and corrects the clock, as [STS.MeasureClock] does. It waits at most 5 s. The
// caller measures the clock before it calls CreateToken, because AWS refuses a DPoP proof whose time is wrong by
// 30 s, and the error that AWS then returns does not mention the time.
func (l Login) MeasureClock(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	l.Client.measureClock(limited, l.Target.Endpoint.CABundle, l.BaseURL())
}

const measureTimeout = 5 * time.Second

// CreateToken exchanges a grant for credentials. key must be the key for which AWS issued the grant; CreateToken
// signs a DPoP proof with this key. CreateToken repeats a failed call as max_attempts and retry_mode allow. All
// attempts together must end within the timeout of one call. If AWS reports that the grant has expired, and this
// computer's clock is wrong, CreateToken repeats the call once. The second DPoP proof contains AWS's time.
//
// CreateToken passes the tokens to onTokens as soon as AWS returns them, because the grant cannot be used again.
// [LoginEnded] recognizes the errors after which the user must sign in again.
func (l Login) CreateToken(ctx context.Context, key ProofKey, g LoginGrant, onTokens func(LoginTokens)) error {
	hc, err := l.Client.Network.client(l.Target.Endpoint.CABundle, formJSON)
	if err != nil {
		return err
	}
	c := call{action: ActionLogin, endpoint: l.EndpointName(), client: hc, secrets: []string{g.Code, g.Verifier, g.Refresh}}
	var refused error
	clockCorrected := false
	post := func(ctx context.Context) error {
		usedOffset := l.Client.Clock.Offset()
		response, err := l.post(ctx, c, key, g)
		if err == nil && !clockCorrected && isExpiredCode(response.refusal) && !response.date.IsZero() && l.Client.setPreciseClock(usedOffset, response.date) {
			clockCorrected = true
			response, err = l.post(ctx, c, key, g)
		}
		if err == nil && response.refusal == nil {
			onTokens(response.tokens)
		}
		refused = response.refusal
		return cmp.Or(err, refused)
	}
	err = l.Client.unsigned(ctx, c, func(ctx context.Context) error {
		err := l.Client.try(ctx, l.Target.Endpoint.retries(), false, func() error { return post(ctx) })
		if refused != nil && errors.Is(err, refused) {
			return nil // the refusal is returned at the end, because Client.unsigned would add text to it
		}
		return err
	})
	if err != nil {
		return err
	}
	return refused
}

// A loginResponse is the response of the token endpoint: either tokens or a refusal.
type loginResponse struct {
	tokens  LoginTokens
	refusal error
	date    time.Time // AWS's time when it sent the refusal; zero if unknown
}

// post sends one request. A refusal by AWS is not an error of post: it is in the field refusal of the result.
func (l Login) post(ctx context.Context, c call, key ProofKey, g LoginGrant) (loginResponse, error) {
	address := l.BaseURL() + "/v1/token"
	proof, err := key.newProof(http.MethodPost, address, l.Client.Clock.PreciseNow())
	if err != nil {
		return loginResponse{}, err
	}
	body, err := json.Marshal(g)
	if err != nil {
		return loginResponse{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return loginResponse{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("DPoP", proof)
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := c.client.Do(r)
	if err != nil {
		return loginResponse{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body) // awsTransport has already checked that the body is complete and not too large
	if err != nil {
		return loginResponse{}, err
	}
	if resp.StatusCode != http.StatusOK {
		response := loginResponse{refusal: c.loginRefusal(resp.StatusCode, resp.Header, text)}
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && isAuthenticated(r.URL, resp.TLS != nil) {
			response.date = date
		}
		return response, nil
	}
	return c.readLogin(text), nil
}

func (c call) readLogin(text []byte) loginResponse {
	var out struct {
		AccessToken struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
		} `json:"accessToken"`
		ExpiresIn    int    `json:"expiresIn"` // in seconds
		RefreshToken string `json:"refreshToken"`
		IDToken      string `json:"idToken"`
	}
	if json.Unmarshal(text, &out) != nil {
		return loginResponse{refusal: fmt.Errorf("%s: no credentials in the response from %s", c.action, c.endpoint)}
	}
	token := out.AccessToken
	return loginResponse{tokens: LoginTokens{
		Credentials: aws.Credentials{AccessKeyID: token.AccessKeyID, SecretAccessKey: token.SecretAccessKey, SessionToken: token.SessionToken},
		ExpiresIn:   time.Duration(out.ExpiresIn) * time.Second, Refresh: out.RefreshToken, ID: out.IDToken,
	}}
}

// Error codes after which the user must sign in again.
const (
	codeExpired        = "AUTHCODE_EXPIRED"
	tokenExpired       = "TOKEN_EXPIRED"
	credentialsChanged = "USER_CREDENTIALS_CHANGED"
)

// isExpiredCode reports whether AWS refused a code or token as expired. AWS also returns these error codes if the time
// in the DPoP proof is wrong.
func isExpiredCode(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Code == codeExpired || api.Code == tokenExpired)
}

// LoginEnded reports whether err, from [Login.CreateToken], means that the user must sign in again.
func LoginEnded(err error) bool {
	var api *APIError
	return isExpiredCode(err) || errors.As(err, &api) && api.Code == credentialsChanged
}

// loginRefusal converts an error response of the token endpoint to an error. This endpoint returns its error code
// in the JSON member "error". For AWS's other services, readJSONError reads the code from a header or from other
// members.
func (c call) loginRefusal(status int, h http.Header, text []byte) error {
	var common refusal
	readJSONError(&common, h, text)
	var oauth struct {
		Reason string `json:"error"`
	}
	_ = json.Unmarshal(text, &oauth) // the body may be empty or unreadable
	return &APIError{
		Action: c.action, Code: c.clean(cmp.Or(oauth.Reason, common.code)), Message: c.clean(common.message), Status: status,
		Retry: status >= http.StatusInternalServerError || status == http.StatusTooManyRequests,
	}
}
