package source

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

const longTerm = `{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"EXAMPLESECRET"}`

// with adds a JSON member to longTerm, which is valid output of a credential_process.
func with(member string) string { return strings.TrimSuffix(longTerm, "}") + "," + member + "}" }

func (r *fixture) printing(out string) plan.Step {
	r.Deps.Run = func(_ context.Context, c Command) ([]byte, error) {
		if want := (Command{Line: "get-key --for p", Profile: "p", Max: 1 << 20, Secrets: true}); c != want {
			r.Errorf("ran %+v, want %+v", c, want)
		}
		return []byte(out), nil
	}
	return r.step(plan.KindProcess, plan.Process{Command: "get-key --for p"})
}

func TestProcess(t *testing.T) {
	until := time.Date(2030, 1, 2, 13, 0, 0, 0, time.UTC)
	key := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "EXAMPLESECRET"}
	for name, c := range map[string]struct {
		out  string
		want aws.Credentials
	}{
		"long-term": {longTerm, key},
		"temporary": {with(`"SessionToken":"EXAMPLETOKEN","Expiration":"2030-01-02T13:00:00Z","AccountId":"123456789012"`), aws.Credentials{
			AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: "EXAMPLETOKEN",
			AccountID: "123456789012", CanExpire: true, Expires: until,
		}},
		"another zone": {with(`"Expiration":"2030-01-02T15:00:00.5+02:00"`), aws.Credentials{
			AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, CanExpire: true, Expires: until.Add(time.Second / 2),
		}},
		"unknown members": {with(`"Comment":{"a":[1]},"SessionToken":null`), key},
		"blanks around":   {"\r\n " + longTerm + " \r\n", key},
	} {
		r := newFixture(t)
		got := r.create(r.printing(c.out))
		if !got.Expires.Equal(c.want.Expires) {
			t.Errorf("%s: expires at %s, want %s", name, got.Expires, c.want.Expires)
		}
		if got.Expires = c.want.Expires; got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestProcessInvalidOutput(t *testing.T) {
	for name, c := range map[string]struct{ out, found string }{
		"nothing":           {"", "0 bytes that are not valid JSON"},
		"text":              {"EXAMPLESECRET: no such key", "26 bytes that are not valid JSON"},
		"two objects":       {longTerm + longTerm, "that are not valid JSON"},
		"half an object":    {longTerm[:40], "that are not valid JSON"},
		"a list":            {"[" + longTerm + "]", "that are not valid JSON"},
		"null":              {"null", "a wrong or missing Version"},
		"no version":        {strings.Replace(longTerm, `"Version":1,`, "", 1), "a wrong or missing Version"},
		"version 2":         {strings.Replace(longTerm, `:1,`, ":2,", 1), "a wrong or missing Version"},
		"version as text":   {strings.Replace(longTerm, `:1,`, `:"1",`, 1), "a wrong or missing Version"},
		"version 1.0":       {strings.Replace(longTerm, `:1,`, ":1.0,", 1), "a wrong or missing Version"},
		"no id":             {strings.Replace(longTerm, "AKIAIOSFODNN7EXAMPLE", "", 1), "no AccessKeyId or no SecretAccessKey"},
		"no secret":         {strings.Replace(longTerm, `"SecretAccessKey":"EXAMPLESECRET"`, `"x":1`, 1), "no AccessKeyId or no SecretAccessKey"},
		"secret of numbers": {strings.Replace(longTerm, `"EXAMPLESECRET"`, "1", 1), "that are not valid JSON"},
		"line's end":        {strings.Replace(longTerm, "EXAMPLESECRET", `EXAMPLESECRET\nA=b`, 1), "a space or a non-ASCII character"},
		"expires junk":      {with(`"Expiration":"EXAMPLESECRET"`), "an Expiration that is not a time"},
		"expires a number":  {with(`"Expiration":1893499200`), "that are not valid JSON"},
		"expired":           {with(`"Expiration":"2030-01-02T12:00:10Z"`), "credentials that expired at 2030-01-02T12:00:10Z"},
		"too much":          {longTerm + strings.Repeat(" ", 1<<20), "more than 1048.6 kB"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.addSecret("EXAMPLESECRET")
			e := failAs[*ProcessError](r, r.printing(c.out))
			if e.Profile != "p" || !strings.Contains(e.Found, c.found) || e.Want == "" {
				t.Errorf("got %+v, want it to have found %q", e, c.found)
			}
			r.wantText(e, "credential_process of profile p printed ")
		})
	}
}

func TestProcessFails(t *testing.T) {
	r := newFixture(t)
	s := r.printing("")
	broken := errors.New("exit status 2")
	r.Deps.Run = func(context.Context, Command) ([]byte, error) { return []byte(longTerm), broken }
	if err := r.fail(s); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	} else {
		r.wantText(err, "credential_process of profile p: ")
	}
}

func TestProcessRecursion(t *testing.T) {
	r := newFixture(t)
	s := r.printing(longTerm)
	r.Callers = make([]string, 2, 8)
	copy(r.Callers, []string{"a", "b"})
	r.create(s)
	r.Callers = append(r.Callers, "p", "c")
	e := failAs[*RecursionError](r, s)
	if want := []string{"a", "b", "p", "c", "p"}; !slices.Equal(e.Profiles, want) {
		t.Errorf("call order %q, want %q", e.Profiles, want)
	}
	r.wantText(e, "credential_process calls itself: a → b → p → c → p")
}

func FuzzParseProcess(f *testing.F) {
	for _, seed := range []string{
		"", longTerm, with(`"Expiration":"2030-01-02T13:00:00Z"`), with(`"SessionToken":"EXAMPLETOKEN"`), with(`"Expiration":"CANARY"`),
		`{"Version":"CANARY"}`, `{"Version":1,"AccessKeyId":"CANARY`, `{"version":1,"accesskeyid":"A","secretaccesskey":"CANARY\u0000"}`, "null", "CANARY",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		c, err := parseProcess("p", out)
		var ours *ProcessError
		if err != nil {
			if !errors.As(err, &ours) || c != (aws.Credentials{}) || strings.Contains(err.Error(), "CANARY") {
				t.Fatalf("%q: got %v, want an error without the output", out, err)
			}
			// The error may contain the size of the output. It must not contain the output.
			if quoted := len(out) > 40 && strings.Contains(err.Error(), string(out)); quoted {
				t.Fatalf("the error %v quotes the output", err)
			}
			return
		}
		again := map[string]any{"Version": 1, "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey, "SessionToken": c.SessionToken, "AccountId": c.AccountID}
		if c.CanExpire {
			again["Expiration"] = c.Expires.Format(time.RFC3339Nano)
		}
		text, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseProcess("p", text)
		if err != nil || !second.Expires.Equal(c.Expires) {
			t.Fatalf("%s, encoded and decoded again, is %+v, error %v; want %+v", text, second, err, c)
		}
		if second.Expires = c.Expires; second != c {
			t.Fatalf("%s is decoded as %+v, want %+v", text, second, c)
		}
	})
}
