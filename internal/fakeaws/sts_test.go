package fakeaws

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestExampleChain(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	user := userSessionOf(t, a, w.Key, w.MFA)
	hub, err := assume(t, a, user, w.Hub, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3600) })
	wantCode(t, err, "", "")
	prod, err := assume(t, a, hub, w.Prod)
	wantCode(t, err, "", "")
	who, err := whoami(t, a, prod)
	wantCode(t, err, "", "")
	if want := "arn:aws:sts::210987654321:assumed-role/prod/test"; who != want {
		t.Errorf("prod is %s, want %s", who, want)
	}
	wantActions(t, a,
		"GetSessionToken mfa=alice by=user/alice",
		"AssumeRole arn:aws:iam::123456789012:role/hub duration=3600 session=test by=session/alice",
		"AssumeRole arn:aws:iam::210987654321:role/prod session=test by=role/hub",
		"GetCallerIdentity by=role/prod",
	)
	if c := a.Calls()[0]; c.Region != "eu-central-1" || c.AccessKeyID != w.Key.ID || c.Caller != w.Alice.ARN() || c.Status != 200 {
		t.Errorf("first call is %+v", c)
	}
}

func TestCallerIdentity(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	out, err := stsWith(a, static(w.Key)).GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "", "")
	if *out.Arn != w.Alice.ARN() || *out.Account != w.Account || (*out.UserId)[:4] != "AIDA" {
		t.Errorf("alice is %s %s %s", *out.Arn, *out.Account, *out.UserId)
	}
}

func TestSessionToken(t *testing.T) {
	for _, test := range []struct {
		name        string
		in          func(w World) *sts.GetSessionTokenInput
		code, words string
	}{
		{"plain", func(World) *sts.GetSessionTokenInput { return &sts.GetSessionTokenInput{} }, "", ""},
		{"36 h", func(World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129600)}
		}, "", ""},
		{"over 36 h", func(World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129601)}
		}, "ValidationError", "less than or equal to 129600"},
		{"under 15 min", func(World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(899)}
		}, "ValidationError", "greater than or equal to 900"},
		{"with a code", func(w World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(w.MFA.Code())}
		}, "", ""},
		{"wrong code", func(w World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(otherCode(w.MFA.Code()))}
		}, "AccessDenied", "invalid MFA one time pass code"},
		{"no code", func(w World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial())}
		}, "AccessDenied", "must provide both"},
		{"another's device", func(w World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String("arn:aws:iam::123456789012:mfa/bob"), TokenCode: aws.String(w.MFA.Code())}
		}, "AccessDenied", "unable to validate MFA code"},
		{"five digits", func(w World) *sts.GetSessionTokenInput {
			return &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String("12345")}
		}, "ValidationError", "tokenCode"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAWS(t)
			w := a.Example()
			a.AddUser(w.Account, "bob").AddMFA("bob")
			_, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), test.in(w))
			wantCode(t, err, test.code, test.words)
		})
	}
}

// otherCode returns an MFA code that differs from the given code.
func otherCode(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

func TestCodeIsTakenOnce(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	in := &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(w.MFA.Code())}
	_, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in)
	wantCode(t, err, "", "")
	_, err = stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in)
	wantCode(t, err, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
	a.Advance(codeStep)
	userSessionOf(t, a, w.Key, w.MFA)
}

func TestSessionTokenLasts(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	out, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	wantCode(t, err, "", "")
	if left := out.Credentials.Expiration.Sub(a.Now()); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("session of 900 s has %s left", left)
	}
	keys := temporary(out.Credentials)
	a.ExpireSessions()
	_, err = whoami(t, a, keys)
	wantCode(t, err, "ExpiredToken", "expired")
}

// AWS accepts a session until its expiry time. From that time on, AWS refuses the session.
func TestSessionEnds(t *testing.T) {
	a := newAWS(t)
	a.SetClock(func() time.Time { return noon })
	w := a.Example()
	a.mu.Lock()
	s := a.issue(session{kind: userSession, user: w.Alice}, noon, 15*time.Minute)
	a.mu.Unlock()
	keys := aws.Credentials{AccessKeyID: s.ID, SecretAccessKey: s.Secret, SessionToken: s.token}
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{15*time.Minute - time.Nanosecond, "user/alice"}, {15 * time.Minute, "<Code>ExpiredToken</Code>"},
	} {
		a.SetClock(func() time.Time { return noon.Add(test.after) })
		if _, body := send(t, signed(t, a, keys, "sts", "us-east-1", a.Now())); !strings.Contains(body, test.want) {
			t.Errorf("after %s: %s, want %s", test.after, body, test.want)
		}
	}
}

// TestWhatSessionsMayCall checks which operations the sessions of GetSessionToken, of a role and of GetFederationToken
// may call.
func TestWhatSessionsMayCall(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	plain := userSessionOf(t, a, w.Key, nil)
	coded := userSessionOf(t, a, w.Key, w.MFA)
	role, err := assume(t, a, static(w.Key), w.ReadOnly)
	wantCode(t, err, "", "")
	fed, err := federate(t, a, static(w.Key), func(in *sts.GetFederationTokenInput) { in.Policy = aws.String(everything) })
	wantCode(t, err, "", "")

	user := func(keys aws.Credentials) error {
		_, err := iamWith(a, keys).GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("alice")})
		return err
	}
	token := func(keys aws.Credentials) error {
		_, err := stsWith(a, keys).GetSessionToken(t.Context(), nil)
		return err
	}
	federation := func(keys aws.Credentials) error { _, err := federate(t, a, keys); return err }
	long := func(keys aws.Credentials) error { _, err := assume(t, a, keys, w.Long); return err }
	who := func(keys aws.Credentials) error { _, err := whoami(t, a, keys); return err }
	for _, test := range []struct {
		name string
		keys aws.Credentials
		call func(aws.Credentials) error
		code string
	}{
		{"session without MFA: identity", plain, who, ""},
		{"session without MFA: AssumeRole", plain, long, ""},
		{"session without MFA: IAM", plain, user, "InvalidClientTokenId"},
		{"session without MFA: GetSessionToken", plain, token, "AccessDenied"},
		{"session without MFA: GetFederationToken", plain, federation, "AccessDenied"},
		{"session with MFA: IAM", coded, user, ""},
		{"session with MFA: GetSessionToken", coded, token, "AccessDenied"},
		{"role: identity", role, who, ""},
		{"role: IAM", role, user, ""},
		{"role: GetSessionToken", role, token, "AccessDenied"},
		{"role: GetFederationToken", role, federation, "AccessDenied"},
		{"federated: identity", fed, who, ""},
		{"federated: AssumeRole", fed, long, "AccessDenied"},
		{"federated: IAM", fed, user, "InvalidClientTokenId"},
	} {
		t.Run(test.name, func(t *testing.T) { wantCode(t, test.call(test.keys), test.code, "") })
	}
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func federate(t *testing.T, a *AWS, keys aws.Credentials, more ...func(*sts.GetFederationTokenInput)) (aws.Credentials, error) {
	t.Helper()
	in := &sts.GetFederationTokenInput{Name: aws.String("bob")}
	for _, f := range more {
		f(in)
	}
	out, err := stsWith(a, keys).GetFederationToken(t.Context(), in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return temporary(out.Credentials), nil
}

func TestFederationToken(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	keys, err := federate(t, a, static(w.Key))
	wantCode(t, err, "", "")
	who, err := whoami(t, a, keys)
	wantCode(t, err, "", "")
	if want := "arn:aws:sts::123456789012:federated-user/bob"; who != want {
		t.Errorf("federated user is %s, want %s", who, want)
	}
	for name, in := range map[string]func(*sts.GetFederationTokenInput){
		"one letter":   func(in *sts.GetFederationTokenInput) { in.Name = aws.String("b") },
		"33 letters":   func(in *sts.GetFederationTokenInput) { in.Name = aws.String("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb") },
		"blank":        func(in *sts.GetFederationTokenInput) { in.Name = aws.String("b b") },
		"too long":     func(in *sts.GetFederationTokenInput) { in.DurationSeconds = aws.Int32(129601) },
		"empty policy": func(in *sts.GetFederationTokenInput) { in.Policy = aws.String("") },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := federate(t, a, static(w.Key), in)
			wantCode(t, err, "ValidationError", "validation error detected")
		})
	}
}
