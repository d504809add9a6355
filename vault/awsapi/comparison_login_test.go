package awsapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	signintypes "github.com/aws/aws-sdk-go-v2/service/signin/types"
)

// comparisonKey returns a fixed key whose coordinates have no leading zeros. For a key with leading zeros, the
// SDK's proof would differ from the proof of this package, because the SDK omits the zeros.
func comparisonKey(t *testing.T) ProofKey {
	raw := make([]byte, 32)
	raw[0], raw[31] = 1, 2
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return ProofKey{key}
}

// An interceptingClient lets the SDK's login provider send any token request. The provider itself only refreshes
// tokens, so the client replaces the body of the provider's request with the value of its field in. The request
// keeps the provider's DPoP proof. The client stores the response in its fields out and err.
type interceptingClient struct {
	client *signin.Client
	in     *signintypes.CreateOAuth2TokenRequestBody
	out    *signin.CreateOAuth2TokenOutput
	err    error
}

func (s *interceptingClient) CreateOAuth2Token(ctx context.Context, _ *signin.CreateOAuth2TokenInput, more ...func(*signin.Options)) (*signin.CreateOAuth2TokenOutput, error) {
	s.out, s.err = s.client.CreateOAuth2Token(ctx, &signin.CreateOAuth2TokenInput{TokenInput: s.in}, more...)
	return s.out, s.err
}

// sdkLogin exchanges a grant for tokens with the SDK's login provider. The provider reads a token file, so sdkLogin
// writes a file in the AWS CLI's format.
func (o comparison) sdkLogin(ctx context.Context, in *signintypes.CreateOAuth2TokenRequestBody) (any, error) {
	text, err := o.key.PEM()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.TempDir(), "login.json")
	file := jsonText(map[string]any{
		"accessToken": map[string]string{"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c", "accountId": "d", "expiresAt": "2020-01-02T03:04:05Z"},
		"tokenType":   "aws_sigv4", "refreshToken": "r", "idToken": "i", "clientId": "c", "dpopKey": text,
	})
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		return nil, err
	}
	s := &interceptingClient{in: in, client: signin.New(signin.Options{Region: o.at.Region, BaseEndpoint: &o.at.Endpoint.URL, Retryer: aws.NopRetryer{}})}
	_, err = logincreds.New(s, path).Retrieve(ctx)
	if s.err != nil || err != nil {
		if s.err != nil {
			err = s.err
		}
		return nil, err
	}
	got := s.out.TokenOutput
	return LoginTokens{
		Credentials: aws.Credentials{AccessKeyID: *got.AccessToken.AccessKeyId, SecretAccessKey: *got.AccessToken.SecretAccessKey, SessionToken: *got.AccessToken.SessionToken},
		ExpiresIn:   time.Duration(*got.ExpiresIn) * time.Second, Refresh: *got.RefreshToken, ID: aws.ToString(got.IdToken),
	}, nil
}

// ourLogin exchanges a grant for tokens with this package.
func (o comparison) ourLogin(ctx context.Context, g LoginGrant) (any, error) {
	var got LoginTokens
	err := Login{o.api, o.at}.CreateToken(ctx, o.key, g, func(t LoginTokens) { got = t })
	return got, err
}

// loginOperations returns the operations of aws login.
func loginOperations() []operation {
	return []operation{
		{
			action: ActionLogin, variant: "authorization code",
			pages: []string{`{"accessToken":{"accessKeyId":"ASIA","secretAccessKey":"a/b+","sessionToken":"c/d+"},"tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"e","idToken":"f.g.h"}`},
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.ourLogin(ctx, LoginGrant{
					Client: "arn:aws:signin:::devtools/same-device", Type: "authorization_code", Code: specialText, Verifier: "EXAMPLE-_~.", Redirect: "http://127.0.0.1:1/oauth/callback",
				})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				return o.sdkLogin(ctx, &signintypes.CreateOAuth2TokenRequestBody{
					ClientId: aws.String("arn:aws:signin:::devtools/same-device"), GrantType: aws.String("authorization_code"), Code: aws.String(specialText),
					CodeVerifier: aws.String("EXAMPLE-_~."), RedirectUri: aws.String("http://127.0.0.1:1/oauth/callback"),
				})
			},
		},
		{
			action: ActionLogin, variant: "refresh", refused: []cannedResponse{
				{http.StatusForbidden, "AccessDeniedException", `{"error":"TOKEN_EXPIRED","message":"why"}`},
				{http.StatusForbidden, "AccessDeniedException", `{"error":"USER_CREDENTIALS_CHANGED","message":"why"}`},
				{http.StatusForbidden, "AccessDeniedException", `{"error":"INSUFFICIENT_PERMISSIONS","message":"why"}`},
				{http.StatusBadRequest, "ValidationException", `{"error":"INVALID_REQUEST","message":"why"}`},
				{http.StatusTooManyRequests, "TooManyRequestsError", `{"error":"a","message":"why"}`},
				{http.StatusInternalServerError, "InternalServerException", `{"error":"SERVER_ERROR","message":"why"}`},
				{http.StatusForbidden, "", `{"__type":"com.amazonaws.signin#AccessDeniedException","error":"AUTHCODE_EXPIRED","message":"why"}`},
				{http.StatusForbidden, "", `{"__type":"AccessDeniedException","message":"why"}`},
				{http.StatusForbidden, "OtherException", `{"message":"why"}`},
				{http.StatusServiceUnavailable, "", ""},
			},
			pages: []string{`{"accessToken":{"accessKeyId":"ASIA","secretAccessKey":"a/b+","sessionToken":"c/d+"},"tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"e"}`},
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.ourLogin(ctx, LoginGrant{Client: "arn:aws:signin:::devtools/same-device", Type: "refresh_token", Refresh: "EXAMPLE/REFRESH+="})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				return o.sdkLogin(ctx, &signintypes.CreateOAuth2TokenRequestBody{
					ClientId: aws.String("arn:aws:signin:::devtools/same-device"), GrantType: aws.String("refresh_token"), RefreshToken: aws.String("EXAMPLE/REFRESH+="),
				})
			},
		},
	}
}

// A browser opens the sign-in pages, so the SDK has no client for them. The expected URLs are those of the AWS CLI.
func TestAuthorizeURLsMatchTheAWSCLI(t *testing.T) {
	at := Target{Region: "eu-west-1"}
	p := AuthorizeRequest{ClientID: "a/b", Scopes: []string{"c", "d:e"}, RedirectURI: "http://127.0.0.1:1/oauth/callback", State: "f", CodeChallenge: "g"}
	loginRequest := p
	loginRequest.Scopes = []string{"openid"}
	for page, want := range map[string]string{
		IDC{Target: at}.AuthorizeURL(p): "https://oidc.eu-west-1.amazonaws.com/authorize?response_type=code&client_id=a%2Fb&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Foauth%2Fcallback" +
			"&state=f&code_challenge_method=S256&scopes=c+d%3Ae&code_challenge=g",
		Login{Target: at}.AuthorizeURL(loginRequest): "https://eu-west-1.signin.aws.amazon.com/v1/authorize?response_type=code&client_id=a%2Fb&state=f&code_challenge_method=SHA-256" +
			"&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Foauth%2Fcallback&code_challenge=g",
	} {
		got, err := url.Parse(page)
		if err != nil {
			t.Fatal(err)
		}
		wantURL, err := url.Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Query(), wantURL.Query()) || BaseOf(got)+got.Path != BaseOf(wantURL)+wantURL.Path {
			t.Errorf("sign-in page is %s, want %s", page, want)
		}
	}
}
