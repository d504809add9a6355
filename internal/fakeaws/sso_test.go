package fakeaws

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

const startURL = "https://example.awsapps.com/start"

var accountScope = []string{"sso:account:access"}

// ssoWorld is a fake AWS with a portal and a registered client.
type ssoWorld struct {
	*AWS
	portal *SSO
	client *ssooidc.RegisterClientOutput
}

func newSSO(t *testing.T, more ...func(*ssooidc.RegisterClientInput)) ssoWorld {
	t.Helper()
	a := newAWS(t)
	w := ssoWorld{AWS: a, portal: a.AddSSO(startURL+"/#/", "eu-west-1")}
	in := &ssooidc.RegisterClientInput{ClientName: aws.String("test"), ClientType: aws.String("public"), Scopes: accountScope}
	for _, f := range more {
		f(in)
	}
	var err error
	w.client, err = oidcOf(a).RegisterClient(t.Context(), in)
	wantCode(t, err, "", "")
	return w
}

func (w ssoWorld) start(t *testing.T) *ssooidc.StartDeviceAuthorizationOutput {
	t.Helper()
	out, err := oidcOf(w.AWS).StartDeviceAuthorization(t.Context(), &ssooidc.StartDeviceAuthorizationInput{
		ClientId: w.client.ClientId, ClientSecret: w.client.ClientSecret, StartUrl: aws.String(startURL),
	})
	wantCode(t, err, "", "")
	return out
}

func (w ssoWorld) token(t *testing.T, grant string, more func(*ssooidc.CreateTokenInput)) (*ssooidc.CreateTokenOutput, error) {
	t.Helper()
	in := &ssooidc.CreateTokenInput{ClientId: w.client.ClientId, ClientSecret: w.client.ClientSecret, GrantType: aws.String(grant)}
	more(in)
	return oidcOf(w.AWS).CreateToken(t.Context(), in)
}

func (w ssoWorld) poll(t *testing.T, code *string) (*ssooidc.CreateTokenOutput, error) {
	t.Helper()
	return w.token(t, deviceGrant, func(in *ssooidc.CreateTokenInput) { in.DeviceCode = code })
}

func (w ssoWorld) renew(t *testing.T, refresh *string) (*ssooidc.CreateTokenOutput, error) {
	t.Helper()
	return w.token(t, refreshGrant, func(in *ssooidc.CreateTokenInput) { in.RefreshToken = refresh })
}

// signIn signs in with automatic approval and returns the tokens.
func (w ssoWorld) signIn(t *testing.T) *ssooidc.CreateTokenOutput {
	t.Helper()
	w.portal.AutoApprove(true)
	out, err := w.poll(t, w.start(t).DeviceCode)
	wantCode(t, err, "", "")
	return out
}

func TestDeviceFlow(t *testing.T) {
	w := newSSO(t)
	device := w.start(t)
	if device.Interval != 1 || device.ExpiresIn != 600 || *device.VerificationUriComplete != *device.VerificationUri+"?user_code="+*device.UserCode {
		t.Errorf("device authorization is %+v", device)
	}
	_, err := w.poll(t, device.DeviceCode)
	wantCode(t, err, "AuthorizationPendingException", "")
	_, err = w.poll(t, device.DeviceCode)
	wantCode(t, err, "SlowDownException", "")
	w.Advance(time.Second)
	if err := w.portal.Approve(*device.UserCode); err != nil {
		t.Fatal(err)
	}
	out, err := w.poll(t, device.DeviceCode)
	wantCode(t, err, "", "")
	if out.ExpiresIn != 8*3600 || out.RefreshToken == nil || *out.TokenType != "Bearer" {
		t.Errorf("token is %+v", out)
	}
	_, err = w.poll(t, device.DeviceCode)
	wantCode(t, err, "InvalidGrantException", "")
	if err := w.portal.Approve(*device.UserCode); err == nil {
		t.Error("a sign-in was approved that was over")
	}
}

func TestPollInterval(t *testing.T) {
	w := newSSO(t)
	w.portal.SetInterval(5 * time.Second)
	device := w.start(t)
	if device.Interval != 5 {
		t.Errorf("interval is %d s", device.Interval)
	}
	for _, code := range []string{"AuthorizationPendingException", "SlowDownException", "SlowDownException"} {
		_, err := w.poll(t, device.DeviceCode)
		wantCode(t, err, code, "")
		w.Advance(4 * time.Second)
	}
	w.Advance(time.Second)
	_, err := w.poll(t, device.DeviceCode)
	wantCode(t, err, "AuthorizationPendingException", "")
}

func TestDeviceFlowDenied(t *testing.T) {
	w := newSSO(t)
	device := w.start(t)
	if err := w.portal.Deny(""); err != nil {
		t.Fatal(err)
	}
	_, err := w.poll(t, device.DeviceCode)
	wantCode(t, err, "AccessDeniedException", "")
}

func TestDeviceCodeExpires(t *testing.T) {
	w := newSSO(t)
	device := w.start(t)
	w.Advance(signInLifetime)
	_, err := w.poll(t, device.DeviceCode)
	wantCode(t, err, "ExpiredTokenException", "")
}

func TestDevicePage(t *testing.T) {
	for decision, code := range map[string]string{"approve": "", "deny": "AccessDeniedException"} {
		t.Run(decision, func(t *testing.T) {
			w := newSSO(t)
			device := w.start(t)
			status, body := get(t, *device.VerificationUriComplete)
			if status != 200 || !strings.Contains(body, *device.UserCode) {
				t.Fatalf("page is %d %s", status, body)
			}
			post(t, *device.VerificationUriComplete, url.Values{"decision": {decision}})
			_, err := w.poll(t, device.DeviceCode)
			wantCode(t, err, code, "")
			if status, _ := get(t, *device.VerificationUri+"?user_code=WRONG"); status != 400 {
				t.Errorf("page for a wrong code is %d", status)
			}
		})
	}
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, r)
}

// post sends a form and returns the response. It does not follow redirects.
func post(t *testing.T, address string, form url.Values) *http.Response {
	t.Helper()
	return noFollow(t, http.MethodPost, address, form.Encode())
}

func noFollow(t *testing.T, method, address, form string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestRegisterClientRefuses(t *testing.T) {
	w := newSSO(t)
	for _, test := range []struct {
		name, code string
		in         ssooidc.RegisterClientInput
	}{
		{"no name", "InvalidRequestException", ssooidc.RegisterClientInput{ClientName: aws.String(""), ClientType: aws.String("public")}},
		{"confidential", "InvalidClientMetadataException", ssooidc.RegisterClientInput{ClientName: aws.String("x"), ClientType: aws.String("confidential")}},
		{"odd grant", "UnsupportedGrantTypeException", ssooidc.RegisterClientInput{ClientName: aws.String("x"), ClientType: aws.String("public"), GrantTypes: []string{"password"}}},
		{"code without redirect", "InvalidClientMetadataException", ssooidc.RegisterClientInput{ClientName: aws.String("x"), ClientType: aws.String("public"), GrantTypes: []string{codeGrant}, IssuerUrl: aws.String(startURL)}},
		{"code without issuer", "InvalidClientMetadataException", ssooidc.RegisterClientInput{ClientName: aws.String("x"), ClientType: aws.String("public"), GrantTypes: []string{codeGrant}, RedirectUris: []string{callback}}},
		{"redirect with a port", "InvalidRedirectUriException", ssooidc.RegisterClientInput{ClientName: aws.String("x"), ClientType: aws.String("public"), RedirectUris: []string{"http://127.0.0.1:80/x"}}},
		{"redirect far away", "InvalidRedirectUriException", ssooidc.RegisterClientInput{ClientName: aws.String("x"), ClientType: aws.String("public"), RedirectUris: []string{"http://example.com/x"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := oidcOf(w.AWS).RegisterClient(t.Context(), &test.in)
			wantCode(t, err, test.code, "")
		})
	}
}

func TestClientsAreChecked(t *testing.T) {
	w := newSSO(t, func(in *ssooidc.RegisterClientInput) { in.GrantTypes = []string{refreshGrant} })
	start := func(in ssooidc.StartDeviceAuthorizationInput) error {
		_, err := oidcOf(w.AWS).StartDeviceAuthorization(t.Context(), &in)
		return err
	}
	id, key, at := w.client.ClientId, w.client.ClientSecret, aws.String(startURL)
	wantCode(t, start(ssooidc.StartDeviceAuthorizationInput{ClientId: id, ClientSecret: aws.String("wrong"), StartUrl: at}), "InvalidClientException", "")
	wantCode(t, start(ssooidc.StartDeviceAuthorizationInput{ClientId: id, ClientSecret: key, StartUrl: at}), "UnauthorizedClientException", "")
	_, err := w.poll(t, aws.String("x"))
	wantCode(t, err, "UnauthorizedClientException", "")
	_, err = w.token(t, "password", func(*ssooidc.CreateTokenInput) {})
	wantCode(t, err, "UnsupportedGrantTypeException", "")
	w.Advance(clientLifetime)
	_, err = w.renew(t, aws.String("x"))
	wantCode(t, err, "InvalidClientException", "")

	device := newSSO(t)
	_, err = oidcOf(device.AWS).StartDeviceAuthorization(t.Context(), &ssooidc.StartDeviceAuthorizationInput{
		ClientId: device.client.ClientId, ClientSecret: device.client.ClientSecret, StartUrl: aws.String("https://other.awsapps.com/start"),
	})
	wantCode(t, err, "InvalidRequestException", "")
}

func TestRefresh(t *testing.T) {
	w := newSSO(t)
	w.portal.SetTokenLifetime(time.Hour)
	first := w.signIn(t)
	w.Advance(2 * time.Hour)
	second, err := w.renew(t, first.RefreshToken)
	wantCode(t, err, "", "")
	if *second.AccessToken == *first.AccessToken || *second.RefreshToken == *first.RefreshToken || second.ExpiresIn != 3600 {
		t.Errorf("renewed token is %+v", second)
	}
	_, err = w.renew(t, first.RefreshToken)
	wantCode(t, err, "InvalidGrantException", "")
	w.portal.KeepRefreshTokens(true)
	for range 2 {
		again, err := w.renew(t, second.RefreshToken)
		wantCode(t, err, "", "")
		if again.RefreshToken != nil {
			t.Errorf("a new refresh token came: %s", *again.RefreshToken)
		}
	}
	w.portal.Revoke("")
	_, err = w.renew(t, second.RefreshToken)
	wantCode(t, err, "InvalidGrantException", "")
}

func TestNoScopeNoRefreshToken(t *testing.T) {
	w := newSSO(t, func(in *ssooidc.RegisterClientInput) { in.Scopes = nil })
	if out := w.signIn(t); out.RefreshToken != nil {
		t.Errorf("refresh token %s without a scope", *out.RefreshToken)
	}
}

const callback = "http://127.0.0.1/oauth/callback"

func withCodeGrant(in *ssooidc.RegisterClientInput) {
	in.GrantTypes, in.RedirectUris, in.IssuerUrl = []string{codeGrant, refreshGrant}, []string{callback}, aws.String(startURL)
}

const verifier = "EXAMPLE-verifier-0123456789-0123456789-0123456789"

// authorizeQuery returns the parameters of the sign-in URL that a program opens in the browser.
func (w ssoWorld) authorizeQuery() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {*w.client.ClientId}, "redirect_uri": {"http://127.0.0.1:40123/oauth/callback"}, "state": {"s t"},
		"code_challenge_method": {"S256"}, "code_challenge": {base64url.EncodeToString(sum[:])}, "scopes": {"sso:account:access"},
	}
}

// back opens the sign-in page and returns the parameters of the redirect to the client.
func (w ssoWorld) back(t *testing.T, query url.Values) url.Values {
	t.Helper()
	response := noFollow(t, http.MethodGet, w.URL()+"/authorize?"+query.Encode(), "")
	to, err := response.Location()
	if err != nil {
		t.Fatalf("status %d: %v", response.StatusCode, err)
	}
	if to.Host != "127.0.0.1:40123" || to.Path != "/oauth/callback" {
		t.Errorf("leads to %s", to)
	}
	return to.Query()
}

func TestAuthorizationCode(t *testing.T) {
	w := newSSO(t, withCodeGrant)
	w.portal.AutoApprove(true)
	redirect := aws.String("http://127.0.0.1:40123/oauth/callback")
	exchange := func(code, verifier string, redirect *string) error {
		_, err := w.token(t, codeGrant, func(in *ssooidc.CreateTokenInput) {
			in.Code, in.CodeVerifier, in.RedirectUri = aws.String(code), aws.String(verifier), redirect
		})
		return err
	}
	for _, test := range []struct {
		name, verifier string
		redirect       *string
		late           time.Duration
		code           string
	}{
		{"good", verifier, redirect, 0, ""},
		{"wrong verifier", "wrong", redirect, 0, "InvalidGrantException"},
		{"wrong redirect", verifier, aws.String(callback), 0, "InvalidGrantException"},
		{"late", verifier, redirect, signInLifetime, "InvalidGrantException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := w.back(t, w.authorizeQuery())
			if got.Get("state") != "s t" || got.Get("code") == "" {
				t.Fatalf("came back with %v", got)
			}
			w.Advance(test.late)
			wantCode(t, exchange(got.Get("code"), test.verifier, test.redirect), test.code, "")
			wantCode(t, exchange(got.Get("code"), verifier, redirect), "InvalidGrantException", "")
		})
	}
}

func TestAuthorizePageAsks(t *testing.T) {
	w := newSSO(t, withCodeGrant)
	page := w.URL() + "/authorize?" + w.authorizeQuery().Encode()
	if status, body := get(t, page); status != 200 || !strings.Contains(body, "decision") {
		t.Fatalf("page is %d %s", status, body)
	}
	for decision, want := range map[string]string{"approve": "code=", "deny": "error=access_denied"} {
		if to := post(t, page, url.Values{"decision": {decision}}).Header.Get("Location"); !strings.Contains(to, want) {
			t.Errorf("%s leads to %q", decision, to)
		}
	}
}

func TestAuthorizePageRefuses(t *testing.T) {
	w := newSSO(t, withCodeGrant)
	w.portal.AutoApprove(true)
	for _, test := range []struct{ param, value, want string }{
		{"client_id", "x", ""},
		{"redirect_uri", "http://example.com/oauth/callback", ""},
		{"redirect_uri", "http://127.0.0.1:1/other", ""},
		{"redirect_uri", "http://[::1]:1/oauth/callback", ""},
		{"response_type", "token", "invalid_request"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
		{"scopes", "everything", "invalid_scope"},
	} {
		query := w.authorizeQuery()
		query.Set(test.param, test.value)
		if test.want == "" {
			if response := noFollow(t, http.MethodGet, w.URL()+"/authorize?"+query.Encode(), ""); response.StatusCode != 400 {
				t.Errorf("%s %s: status %d", test.param, test.value, response.StatusCode)
			}
			continue
		}
		if got := w.back(t, query); got.Get("error") != test.want || got.Get("code") != "" {
			t.Errorf("%s %s: came back with %v", test.param, test.value, got)
		}
	}
}

func TestPortal(t *testing.T) {
	w := newSSO(t)
	arn := w.portal.Assign("210987654321", "Admin")
	w.portal.Assign("123456789012", "ReadOnly")
	w.portal.Assign("123456789012", "Admin")
	token := w.signIn(t).AccessToken
	portal := portalOf(w.AWS)

	out, err := portal.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{AccessToken: token, AccountId: aws.String("210987654321"), RoleName: aws.String("Admin")})
	wantCode(t, err, "", "")
	c := out.RoleCredentials
	if left := time.UnixMilli(c.Expiration).Sub(w.Now()); left > time.Hour || left < 59*time.Minute {
		t.Errorf("credentials have %s left", left)
	}
	keys := aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}
	who, err := whoami(t, w.AWS, keys)
	wantCode(t, err, "", "")
	if want := "arn:aws:sts::210987654321:assumed-role/" + arn[strings.LastIndexByte(arn, '/')+1:] + "/alice@example.com"; who != want {
		t.Errorf("credentials are %s, want %s", who, want)
	}

	for _, test := range []struct{ account, role, token, code string }{
		{"210987654321", "ReadOnly", *token, "ForbiddenException"},
		{"210987654321", "Admin", "wrong", "UnauthorizedException"},
		{"", "Admin", *token, "InvalidRequestException"},
	} {
		_, err := portal.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{AccessToken: &test.token, AccountId: &test.account, RoleName: &test.role})
		wantCode(t, err, test.code, "")
	}
	w.Advance(8 * time.Hour)
	_, err = portal.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: token})
	wantCode(t, err, "UnauthorizedException", "")
}

func TestPortalLists(t *testing.T) {
	w := newSSO(t)
	for _, account := range []string{"333333333333", "111111111111", "222222222222"} {
		w.portal.Assign(account, "Admin")
		w.portal.Assign(account, "ReadOnly")
		w.portal.Assign(account, "ReadOnly") // a second identical assignment changes nothing
	}
	token := w.signIn(t).AccessToken
	portal := portalOf(w.AWS)
	var accounts, roles []string
	pages := sso.NewListAccountsPaginator(portal, &sso.ListAccountsInput{AccessToken: token, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		wantCode(t, err, "", "")
		for _, x := range page.AccountList {
			accounts = append(accounts, *x.AccountId)
		}
	}
	if got := strings.Join(accounts, " "); got != "111111111111 222222222222 333333333333" {
		t.Errorf("accounts are %s", got)
	}
	list, err := portal.ListAccountRoles(t.Context(), &sso.ListAccountRolesInput{AccessToken: token, AccountId: aws.String("222222222222")})
	wantCode(t, err, "", "")
	for _, x := range list.RoleList {
		roles = append(roles, *x.RoleName)
	}
	if got := strings.Join(roles, " "); got != "Admin ReadOnly" {
		t.Errorf("roles are %s", got)
	}
	_, err = portal.ListAccountRoles(t.Context(), &sso.ListAccountRolesInput{AccessToken: token, AccountId: aws.String("")})
	wantCode(t, err, "InvalidRequestException", "")
	_, err = portal.ListAccountRoles(t.Context(), &sso.ListAccountRolesInput{AccessToken: aws.String("x"), AccountId: aws.String("1")})
	wantCode(t, err, "UnauthorizedException", "")
	_, err = portal.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: token, NextToken: aws.String("x")})
	wantCode(t, err, "InvalidRequestException", "next_token")
}

func TestLogoutAndRevoke(t *testing.T) {
	w := newSSO(t)
	one, two := w.signIn(t), w.signIn(t)
	w.portal.Revoke(*one.AccessToken)
	_, err := portalOf(w.AWS).Logout(t.Context(), &sso.LogoutInput{AccessToken: one.AccessToken})
	wantCode(t, err, "UnauthorizedException", "")
	_, err = portalOf(w.AWS).Logout(t.Context(), &sso.LogoutInput{AccessToken: two.AccessToken})
	wantCode(t, err, "", "")
	_, err = portalOf(w.AWS).ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: two.AccessToken})
	wantCode(t, err, "UnauthorizedException", "")
}

// An error response of the OIDC service has the OAuth error code in its body.
func TestOIDCErrorBody(t *testing.T) {
	w := newSSO(t)
	response, err := http.Post(w.URL()+"/token", "application/json", strings.NewReader(`{"clientId":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"error":"invalid_client","error_description":"Invalid client"}`; string(body) != want || response.StatusCode != 401 ||
		response.Header.Get("X-Amzn-Errortype") != "InvalidClientException" {
		t.Errorf("got %d %v %s", response.StatusCode, response.Header, body)
	}
}

func TestPortalIsThrottled(t *testing.T) {
	w := newSSO(t)
	w.Fail(Fault{Action: "ListAccounts", Throttle: true})
	_, err := portalOf(w.AWS).ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: aws.String("x")})
	wantCode(t, err, "TooManyRequestsException", "")
}
