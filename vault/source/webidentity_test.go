package source

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/store"
)

const webRole = "arn:aws:iam::123456789012:role/web"

// webIdentity returns a step whose token file contains text.
func (r *fixture) webIdentity(text string) plan.Step {
	r.Helper()
	path := filepath.Join(r.TempDir(), "token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	return r.step(plan.KindWebIdentity, plan.WebIdentity{ARN: webRole, SessionName: "alice", TokenFile: path, Subject: plan.TokenSubject([]byte(text))})
}

// token returns a token that the role webRole trusts.
func (r *fixture) token() string {
	r.Helper()
	issuer, err := r.aws.AddIssuer(r.world.Account, "example", "sts")
	if err != nil {
		r.Fatal(err)
	}
	r.aws.AddRole(webRole, fakeaws.Role{Trusts: []string{issuer.ARN()}})
	token, err := issuer.Token("alice", nil)
	if err != nil {
		r.Fatal(err)
	}
	return r.addSecret(token)
}

func TestWebIdentityParameters(t *testing.T) {
	for name, around := range map[string][2]string{
		"bare": {"", ""}, "newline": {"", "\n"}, "CRLF": {"", "\r\n"}, "blanks": {" \t", " \n\n"}, "Windows": {"\ufeff", "\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			token := r.token()
			s := r.webIdentity(around[0] + token + around[1])
			s.Duration, s.Policy = 20*time.Minute, policy.Policy{Inline: allowAll, ARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}
			c := r.create(s)
			call := r.wantCalls(1)[0]
			want := map[string]string{
				"RoleArn": webRole, "RoleSessionName": "alice", "WebIdentityToken": token, "DurationSeconds": "1200",
				"Policy": allowAll, "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
			}
			if got := sent(call); !reflect.DeepEqual(got, want) {
				t.Errorf("sent %v, want %v", got, want)
			}
			for _, header := range []string{"Authorization", "X-Amz-Security-Token"} {
				if call.Header.Get(header) != "" {
					t.Errorf("the call has %s although it is not signed", header)
				}
			}
			if c.AccountID != "123456789012" || !c.CanExpire {
				t.Errorf("got credentials of account %q", c.AccountID)
			}
		})
	}
}

func TestTokenFromProcess(t *testing.T) {
	r := newFixture(t)
	token := r.token()
	s := r.step(plan.KindWebIdentity, plan.WebIdentity{ARN: webRole, SessionName: "alice", TokenProcess: "print-token", Subject: plan.TokenSubject([]byte(token))})
	r.Deps.Run = func(_ context.Context, c Command) ([]byte, error) {
		if want := (Command{Line: "print-token", Profile: "p", Max: 40000}); c != want {
			t.Errorf("ran %+v, want %+v", c, want)
		}
		return []byte(token + "\n"), nil
	}
	r.create(s)
	broken := errors.New("exit status 1")
	r.Deps.Run = func(context.Context, Command) ([]byte, error) { return nil, broken }
	if err := r.fail(s); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	} else {
		r.wantText(err, "web_identity_token_process of profile p: ")
	}
	r.Deps.Run = func(context.Context, Command) ([]byte, error) { return []byte("x"), nil }
	if e := failAs[*TokenError](r, s); e.Source != "web_identity_token_process of profile p" || e.Length != 1 {
		t.Errorf("got %+v", e)
	}
	r.Callers = []string{"p"}
	if e := failAs[*RecursionError](r, s); e.Setting != "web_identity_token_process" {
		t.Errorf("got %+v", e)
	}
	r.wantCalls(1)
}

// If the subject of a token is not the planned subject, the token is not sent. The error contains the new subject.
func TestTokenOfAnotherIdentityIsNotSent(t *testing.T) {
	r := newFixture(t)
	token := r.token()
	file := r.webIdentity(token)
	spec := file.Spec.(plan.WebIdentity)
	right := spec.Subject
	spec.Subject = "another"
	file.Spec = spec
	e := failAs[*IdentityChangedError](r, file)
	if now := e.Spec.(plan.WebIdentity); now.Subject != right || now.TokenFile != spec.TokenFile || !errors.Is(e, store.ErrWrongIdentity) {
		t.Errorf("got %+v", e)
	}
	r.wantCalls(0)
	ran := 0
	r.Deps.Run = func(context.Context, Command) ([]byte, error) { ran++; return []byte(token), nil }
	program := r.step(plan.KindWebIdentity, plan.WebIdentity{ARN: webRole, SessionName: "alice", TokenProcess: "print-token"})
	known, got, err := r.Identify(t.Context(), program)
	if err != nil || got != token || known.(plan.WebIdentity).Subject != right {
		t.Errorf("identified as %+v, %v", known, err)
	}
	program.Spec = known
	if again, none, err := r.Identify(t.Context(), program); err != nil || none != "" || !reflect.DeepEqual(again, known) || ran != 1 {
		t.Errorf("second result %+v after %d runs, %v", again, ran, err)
	}
}

func TestInvalidTokenFile(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": " \n", "short": "abc\n", "long": "EXAMPLE" + strings.Repeat("x", 20000), "far too long": strings.Repeat("y", 50000),
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			s := r.webIdentity(text)
			if len(text) > 5 {
				r.addSecret(text[:20])
			}
			err := r.fail(s)
			if name == "far too long" {
				r.wantText(err, "web_identity_token_file of profile p: ", "is larger than 40000 bytes")
			} else {
				e := failAs[*TokenError](r, s)
				r.wantText(e, s.Spec.(plan.WebIdentity).TokenFile, "expected a token of 4 to 20000")
			}
			r.wantCalls(0)
		})
	}
	r := newFixture(t)
	s := r.step(plan.KindWebIdentity, plan.WebIdentity{ARN: webRole, SessionName: "alice", TokenFile: "/nonexistent/token"})
	if err := r.fail(s); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// An endpoint may quote the request in its response. The token in the quoted request must not be in the error.
func TestTokenIsNotInErrors(t *testing.T) {
	r := newFixture(t)
	const token = "EXAMPLE/web+identity=token"
	r.addSecret(token)
	r.addSecret("EXAMPLE%2Fweb")
	for _, message := range []string{"token " + token + " is not valid", "body WebIdentityToken=EXAMPLE%2Fweb%2Bidentity%3Dtoken"} {
		r.aws.Fail(fakeaws.Fault{Code: "InvalidIdentityToken", Message: message})
		r.wantText(failAs[*awsapi.APIError](r, r.webIdentity(token)), "****")
	}
	for _, f := range []fakeaws.Fault{{Hangup: true, Times: 3}, {HTML: true}, {TruncateXML: true, Times: 3}} {
		r.aws.Fail(f)
		r.fail(r.webIdentity(token))
	}
}
