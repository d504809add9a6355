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

// signInURL returns the URL of the sign-in endpoint, without a trailing slash. It fails if the partition
// of the region is not certain: a sign-in must never be sent to the wrong partition.
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
	return "https://" + region + "." + partition.SignInDomain(in), nil
}

// signInFIPSGov is the FIPS 140 sign-in host of us-gov-west-1. Other GovCloud regions put their name in front of it.
const signInFIPSGov = "signin-fips.amazonaws-us-gov.com"

// Check reports whether a sign-in is possible: the region and the endpoint must be valid. It sends nothing.
func (l Login) Check() error {
	if _, err := l.signInURL(); err != nil {
		return err
	}
	return l.Client.CheckEndpoint(l.Target.Endpoint)
}

// BaseURL returns the URL of the sign-in endpoint, without a trailing slash. It returns "" if [Login.Check]
// fails because of the region.
func (l Login) BaseURL() string {
	at, _ := l.signInURL()
	return at
}

// EndpointName names the endpoint in errors: its scheme and host if they are known.
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

// LoginTokens are what the token endpoint returned. Each field may be empty.
type LoginTokens struct {
	Credentials aws.Credentials // Expires is not set; see ExpiresIn
	ExpiresIn   time.Duration   // of Credentials
	Refresh     string          // refresh token; can be used once
	ID          string          // ID token: names the user who signed in
}

// ActionLogin is the name of [Login.CreateToken]'s action in errors.
const ActionLogin = "CreateOAuth2Token"

// MeasureClock measures the difference between AWS's clock and this computer's, as [STS.MeasureClock]
// does, within 5 s. AWS refuses a proof whose time is wrong by 30 s, and does not report the time as the reason.
func (l Login) MeasureClock(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	l.Client.measureClock(limited, l.Target.Endpoint.CABundle, l.BaseURL())
}

const measureTimeout = 5 * time.Second

// CreateToken exchanges a grant for credentials. It sends a proof that key is the one the grant was issued for.
// The call is repeated as max_attempts and retry_mode say, all within the timeout of one call. If AWS reports
// that the grant has expired and this computer's clock is wrong, CreateToken signs a new proof with AWS's time, once.
//
// If AWS returns tokens, CreateToken first passes them to onTokens, because the grant cannot be used again.
// [LoginEnded] recognises the errors after which the user must sign in again.
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
			return nil // returned below as it is, without the text that unsigned adds to network errors
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
	date    time.Time // time of the refusal by AWS's clock; zero if unknown
}

// post sends one request. Its error reports that no response arrived; a refusal by AWS is in the response.
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
	text, err := io.ReadAll(resp.Body) // awsTransport bounds the body and checks that it is complete
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
		ExpiresIn    int    `json:"expiresIn"` // setSeconds
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

// isExpiredCode reports whether AWS refused a code or token as expired. AWS also does so if the time of the proof
// is wrong.
func isExpiredCode(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Code == codeExpired || api.Code == tokenExpired)
}

// LoginEnded reports whether err, from [Login.CreateToken], means that the user must sign in again.
func LoginEnded(err error) bool {
	var api *APIError
	return isExpiredCode(err) || errors.As(err, &api) && api.Code == credentialsChanged
}

// loginRefusal returns the token endpoint's refusal. This endpoint adds a member "error" to the members of AWS's
// other services.
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
