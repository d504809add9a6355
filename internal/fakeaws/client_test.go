package fakeaws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

// noon is the fixed time that some tests set their clocks to.
var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// newAWS returns a fake whose clock stands still at the current time. The clock shows the current time because the
// SDK signs requests with the current time. The clock stands still because MFA codes then do not change.
func newAWS(t *testing.T) *AWS {
	t.Helper()
	a, err := NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	start := time.Now()
	a.SetClock(func() time.Time { return start })
	return a
}

func config(a *AWS, keys aws.Credentials) aws.Config {
	return aws.Config{
		Region:           "eu-central-1",
		BaseEndpoint:     aws.String(a.URL()),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Timeout: 20 * time.Second},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return keys, nil
		}),
	}
}

func stsWith(a *AWS, keys aws.Credentials) *sts.Client { return sts.NewFromConfig(config(a, keys)) }
func iamWith(a *AWS, keys aws.Credentials) *iam.Client { return iam.NewFromConfig(config(a, keys)) }
func oidcOf(a *AWS) *ssooidc.Client                    { return ssooidc.NewFromConfig(config(a, aws.Credentials{})) }
func portalOf(a *AWS) *sso.Client                      { return sso.NewFromConfig(config(a, aws.Credentials{})) }
func static(k Key) aws.Credentials {
	return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
}
func temporary(c *ststypes.Credentials) aws.Credentials {
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}
}

// wantCode fails the test unless err is AWS's error with the given code, and its message contains the text words. If
// code is empty, err must be nil.
func wantCode(t *testing.T, err error, code, words string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want AWS's %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), words) {
		t.Fatalf("got %s: %s, want %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, words)
	}
}

func wantActions(t *testing.T, a *AWS, want ...string) {
	t.Helper()
	if got := a.Actions(); !slices.Equal(got, want) {
		t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// userSessionOf calls GetSessionToken with the key k and returns the session. If m is not nil, the call contains the
// current MFA code of the device m.
func userSessionOf(t *testing.T, a *AWS, k Key, m *MFA) aws.Credentials {
	t.Helper()
	in := &sts.GetSessionTokenInput{}
	if m != nil {
		in.SerialNumber, in.TokenCode = aws.String(m.Serial()), aws.String(m.Code())
	}
	out, err := stsWith(a, static(k)).GetSessionToken(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return temporary(out.Credentials)
}

// assume assumes a role and returns its credentials, or AWS's error.
func assume(t *testing.T, a *AWS, keys aws.Credentials, arn string, more ...func(*sts.AssumeRoleInput)) (aws.Credentials, error) {
	t.Helper()
	in := &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("test")}
	for _, f := range more {
		f(in)
	}
	out, err := stsWith(a, keys).AssumeRole(t.Context(), in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return temporary(out.Credentials), nil
}

func whoami(t *testing.T, a *AWS, keys aws.Credentials) (string, error) {
	t.Helper()
	out, err := stsWith(a, keys).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}
