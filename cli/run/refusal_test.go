package run

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/identitykeys"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
)

func TestRefusal(t *testing.T) {
	a := &app.App{Env: app.Env{Home: "/home/alice"}}
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&vault.LoginRequiredError{Profile: "p", Err: &prompt.NoDriverError{}}, 403, "LoginRequired"},
		{&vault.LoginRequiredError{Profile: "p", Prompting: true}, 403, "LoginRequired"},
		{&source.LoginRequiredError{Profile: "p"}, 403, "LoginRequired"},
		{prompt.ErrCancelled, 403, "LoginRequired"},
		{keystore.ErrLocked, 403, "KeystoreLocked"},
		{keystore.ErrWrongPassphrase, 403, "KeystoreLocked"},
		{&awsapi.APIError{Code: "AccessDenied", Status: 403}, 403, "AccessDenied"},
		{&awsapi.APIError{Code: "ValidationError", Status: 400}, 400, "ValidationError"},
		{&awsapi.APIError{Code: "Throttling", Status: 400, Retry: true}, 429, "Throttling"},
		{&awsapi.APIError{Code: "SlowDown", Status: 503, Retry: true}, 502, "SlowDown"},
		{&awsapi.APIError{Status: 200}, 502, "ServiceError"},
		{&awsapi.TimeoutError{Action: "AssumeRole", After: time.Second}, 504, "Timeout"},
		{context.DeadlineExceeded, 504, "Timeout"},
		{&awsapi.UnreachableError{Err: errors.New("no route")}, 502, "Unreachable"},
		{&awsapi.NotAWSError{}, 502, "Unreachable"},
		{&planError{&plan.NoProfileError{Name: "p"}}, 400, "InvalidProfile"},
		{&planError{&plan.AgentDeniedError{Profile: "p"}}, 400, "InvalidProfile"},
		{&planError{errors.New("any")}, 400, "InvalidProfile"},
		{&planError{keystore.ErrLocked}, 403, "KeystoreLocked"},
		{&source.NoSignerError{Identity: "alice", Profile: "p", Err: identitykeys.ErrNoIdentity}, 400, "InvalidProfile"},
		{&source.CertificateTimeError{}, 400, "InvalidProfile"},
		{errors.New("something else"), 500, "InternalFailure"},
	} {
		r := refusal(a, fmt.Errorf("around it: %w", c.err))
		if r.Status != c.status || r.Code != c.code || r.Message == "" {
			t.Errorf("%T %v: %+v, want %d %s", c.err, c.err, r, c.status, c.code)
		}
	}
	if r := refusal(a, &planError{&plan.LongLivedError{Profile: "p"}}); r.Message != `the plan of profile "p" ends with a long-lived key (), but a server provides only temporary credentials (remove --no-session)` {
		t.Errorf("%q", r.Message)
	}
	if r := refusal(a, errors.New("open /home/alice/x: no")); r.Message != "open ~/x: no" {
		t.Errorf("%q", r.Message)
	}
}
