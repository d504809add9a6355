package awsapi

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

func (o comparison) idc() IDC { return IDC{o.api, o.at, startURL} }

func (o comparison) portal() *Portal {
	p, err := o.api.NewPortal(o.at, startURL)
	if err != nil {
		o.Fatal(err)
	}
	p.Token = "EXAMPLE/TOKEN+="
	return p
}

func (o comparison) sdkSSO() *sso.Client {
	return sso.New(sso.Options{Region: o.at.Region, BaseEndpoint: &o.at.Endpoint.URL, Retryer: aws.NopRetryer{}})
}

func (o comparison) sdkOIDC() *ssooidc.Client {
	return ssooidc.New(ssooidc.Options{Region: o.at.Region, BaseEndpoint: &o.at.Endpoint.URL, Retryer: aws.NopRetryer{}})
}

// refusedJSON returns error responses of the REST protocol with JSON. They contain each code in all the forms that a
// response may use. messageKey is the JSON member that contains the error message.
func refusedJSON(messageKey string, codes ...string) (list []cannedResponse) {
	members := `"error":"an_error","` + messageKey + `":"why"}`
	for _, code := range codes {
		list = append(list,
			cannedResponse{http.StatusBadRequest, code, `{` + members},
			cannedResponse{http.StatusBadRequest, code + ":http://internal.amazon.com/coral/com.amazon.coral.service/", `{` + members},
			cannedResponse{http.StatusBadRequest, "aws.protocoltests#" + code + ":http://example.com", `{` + members},
			cannedResponse{http.StatusBadRequest, "", `{"__type":"` + code + `",` + members},
			cannedResponse{http.StatusBadRequest, "", `{"__type":"com.amazonaws.x#` + code + `",` + members},
			cannedResponse{http.StatusBadRequest, "", `{"code":"` + code + `",` + members},
			cannedResponse{http.StatusBadRequest, code, `{"__type":"Other","code":"Another",` + members},
		)
	}
	return append(list,
		cannedResponse{http.StatusBadRequest, "ThrottlingException", `{"message":"why"}`},
		cannedResponse{http.StatusForbidden, "", `{"Message":"why"}`},
		cannedResponse{http.StatusForbidden, "", `{}`},
		cannedResponse{http.StatusForbidden, "ForbiddenException", ""},
		cannedResponse{http.StatusServiceUnavailable, "", ""},
	)
}

// restOperations returns the operations of Identity Center's portal and of its sign-in.
func restOperations() []operation {
	ssoRefusals := refusedJSON("message", "InvalidRequestException", "ResourceNotFoundException", "TooManyRequestsException", "UnauthorizedException")
	oidcRefusals := refusedJSON("error_description", "AccessDeniedException", "AuthorizationPendingException", "ExpiredTokenException", "InternalServerException", "InvalidClientException",
		"InvalidClientMetadataException", "InvalidGrantException", "InvalidRedirectUriException", "InvalidRequestException", "InvalidScopeException", "SlowDownException",
		"UnauthorizedClientException", "UnsupportedGrantTypeException")
	return []operation{
		{
			action: "GetRoleCredentials", refused: ssoRefusals,
			pages: []string{`{"roleCredentials":{"accessKeyId":"ASIA","secretAccessKey":"a/b+","sessionToken":"c/d+","expiration":1893553445678},"more":null}`},
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.portal().Credentials(ctx, "123456789012", "a+b=c,d.e@f-g")
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSSO().GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{
					AccessToken: &o.portal().Token, AccountId: aws.String("123456789012"), RoleName: aws.String("a+b=c,d.e@f-g"),
				})
				if err != nil {
					return nil, err
				}
				c := out.RoleCredentials
				return aws.Credentials{
					AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken, AccountID: "123456789012",
					CanExpire: true, Expires: time.UnixMilli(c.Expiration).UTC(),
				}, nil
			},
		},
		{
			action: "ListAccounts", refused: ssoRefusals,
			pages: []string{
				`{"accountList":[{"accountId":"1","accountName":"a","emailAddress":"a@example.com"},{"accountId":"2"}],"nextToken":"a/b+c="}`,
				`{"accountList":[],"nextToken":"d"}`, `{"accountList":[{"accountId":"3","accountName":null}],"nextToken":null}`,
			},
			ours: func(ctx context.Context, o comparison) (any, error) { return o.portal().ListAccounts(ctx) },
			sdk: func(ctx context.Context, o comparison) (any, error) {
				var all []Account
				pages := sso.NewListAccountsPaginator(o.sdkSSO(), &sso.ListAccountsInput{AccessToken: &o.portal().Token, MaxResults: aws.Int32(100)})
				for pages.HasMorePages() {
					page, err := pages.NextPage(ctx)
					if err != nil {
						return nil, err
					}
					for _, a := range page.AccountList {
						all = append(all, Account{ID: *a.AccountId, Name: aws.ToString(a.AccountName), Email: aws.ToString(a.EmailAddress)})
					}
				}
				return all, nil
			},
		},
		{
			action: "ListAccountRoles", refused: ssoRefusals,
			pages: []string{`{"roleList":[{"roleName":"a","accountId":"1"},{"roleName":"b"}],"nextToken":"a/b+c="}`, `{"roleList":[{"roleName":"c"}]}`},
			ours:  func(ctx context.Context, o comparison) (any, error) { return o.portal().roles(ctx, "123456789012") },
			sdk: func(ctx context.Context, o comparison) (any, error) {
				var all []string
				pages := sso.NewListAccountRolesPaginator(o.sdkSSO(), &sso.ListAccountRolesInput{
					AccessToken: &o.portal().Token, AccountId: aws.String("123456789012"), MaxResults: aws.Int32(100),
				})
				for pages.HasMorePages() {
					page, err := pages.NextPage(ctx)
					if err != nil {
						return nil, err
					}
					for _, r := range page.RoleList {
						all = append(all, *r.RoleName)
					}
				}
				return all, nil
			},
		},
		{
			action: "Logout", refused: ssoRefusals, pages: []string{""},
			ours: func(ctx context.Context, o comparison) (any, error) { return nil, o.portal().Logout(ctx) },
			sdk: func(ctx context.Context, o comparison) (any, error) {
				_, err := o.sdkSSO().Logout(ctx, &sso.LogoutInput{AccessToken: &o.portal().Token})
				return nil, err
			},
		},
		{
			action: "RegisterClient", refused: oidcRefusals,
			pages: []string{`{"clientId":"a","clientIdIssuedAt":1,"clientSecret":"b","clientSecretExpiresAt":1893553445,"authorizationEndpoint":null}`},
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.idc().RegisterClient(ctx, Registration{
					Name: specialText, Type: "public", Scopes: []string{"sso:account:access", "b"}, Grants: []string{GrantCode, GrantRefresh},
					Redirects: []string{"http://127.0.0.1/oauth/callback"}, Issuer: startURL,
				})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkOIDC().RegisterClient(ctx, &ssooidc.RegisterClientInput{
					ClientName: aws.String(specialText), ClientType: aws.String("public"), Scopes: []string{"sso:account:access", "b"}, GrantTypes: []string{"authorization_code", "refresh_token"},
					RedirectUris: []string{"http://127.0.0.1/oauth/callback"}, IssuerUrl: aws.String(startURL),
				})
				if err != nil {
					return nil, err
				}
				return IDCClient{ID: *out.ClientId, Secret: *out.ClientSecret, Expires: time.Unix(out.ClientSecretExpiresAt, 0).UTC()}, nil
			},
		},
		{
			action: "StartDeviceAuthorization", refused: oidcRefusals,
			pages: []string{`{"deviceCode":"a","userCode":"B-C","verificationUri":"https://d","verificationUriComplete":"https://d?e","expiresIn":600,"interval":1}`},
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.idc().StartDeviceAuthorization(ctx, IDCClient{ID: "a/b", Secret: specialText})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkOIDC().StartDeviceAuthorization(ctx, &ssooidc.StartDeviceAuthorizationInput{ClientId: aws.String("a/b"), ClientSecret: aws.String(specialText), StartUrl: aws.String(startURL)})
				if err != nil {
					return nil, err
				}
				return DeviceCode{
					Secret: *out.DeviceCode, UserCode: *out.UserCode, URL: *out.VerificationUri, CompleteURL: *out.VerificationUriComplete,
					ExpiresIn: time.Duration(out.ExpiresIn) * time.Second, Interval: time.Duration(out.Interval) * time.Second,
				}, nil
			},
		},
		createToken("authorization code", "authorization_code", Grant{ID: "a", Secret: specialText, Type: GrantCode, Code: "EXAMPLE/CODE=", Verifier: "EXAMPLE-_~.", Redirect: "http://127.0.0.1:1/oauth/callback"}, oidcRefusals),
		createToken("device code", "urn:ietf:params:oauth:grant-type:device_code", Grant{ID: "a", Secret: specialText, Type: GrantDevice, Device: "EXAMPLE/DEVICE="}, nil),
		createToken("refresh", "refresh_token", Grant{ID: "a", Secret: specialText, Type: GrantRefresh, Refresh: "EXAMPLE/REFRESH+="}, nil),
	}
}

func createToken(variant, grant string, g Grant, refused []cannedResponse) operation {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return operation{
		action: "CreateToken", variant: variant, refused: refused,
		pages: []string{`{"accessToken":"a/b","tokenType":"Bearer","expiresIn":28800,"refreshToken":"c/d","idToken":null}`},
		ours: func(ctx context.Context, o comparison) (any, error) {
			return o.idc().CreateToken(ctx, g, func(Tokens) {})
		},
		sdk: func(ctx context.Context, o comparison) (any, error) {
			out, err := o.sdkOIDC().CreateToken(ctx, &ssooidc.CreateTokenInput{
				ClientId: optional(g.ID), ClientSecret: optional(g.Secret), GrantType: &grant, Code: optional(g.Code), CodeVerifier: optional(g.Verifier),
				RedirectUri: optional(g.Redirect), DeviceCode: optional(g.Device), RefreshToken: optional(g.Refresh),
			})
			if err != nil {
				return nil, err
			}
			return Tokens{Access: *out.AccessToken, Refresh: *out.RefreshToken, Expires: o.api.Clock.Local().Add(time.Duration(out.ExpiresIn) * time.Second)}, nil
		},
	}
}
