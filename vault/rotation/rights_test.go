package rotation_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/rotation"
)

var (
	fullRights    = []string{"iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"}
	minimalRights = []string{"iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:GetUser"}
)

func without(right string) []string {
	return slices.DeleteFunc(slices.Clone(fullRights), func(r string) bool { return r == right })
}

// allow limits alice to these rights.
func (r *fixture) allow(rights []string) {
	r.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", "Action": rights, "Resource": r.Alice.ARN(),
	}})
	if err != nil {
		r.Fatal(err)
	}
	r.Alice.SetPolicies(string(text))
}

// wantWorking checks that AWS accepts the stored key. It returns the key's ID.
func (r *fixture) wantWorking() string {
	r.Helper()
	key, err := r.Keys.Key(r.Context(), "m")
	if err != nil {
		r.Fatal(err)
	}
	if _, err := r.Source.STS(r.rotation().Plan.Call("sts")).Caller(r.Context(), key); err != nil {
		r.Errorf("the stored key does not work: %v", err)
	}
	return key.AccessKeyID
}

// TestRotationRights rotates with various permissions, with one key and with two. The stored key always works
// afterwards, even if the rotation is unfinished or AWS refuses to undo it. With all permissions, an unfinished
// rotation can be finished.
func TestRotationRights(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rights  []string
		rotates bool
		refused string // the action that AWS refuses, if rotates is false
		quota   string // the error if the user already has two keys: "quota" for a QuotaError, or AWS's error code
	}{
		{"full", fullRights, true, "", "quota"},
		{"minimal", minimalRights, true, "", "LimitExceeded"},
		{"without CreateAccessKey", without("iam:CreateAccessKey"), false, "CreateAccessKey", "quota"},
		{"without DeleteAccessKey", without("iam:DeleteAccessKey"), false, "DeleteAccessKey", "quota"},
		{"without UpdateAccessKey", without("iam:UpdateAccessKey"), true, "", "quota"},
		{"without ListAccessKeys", without("iam:ListAccessKeys"), true, "", "LimitExceeded"},
		{"without GetAccessKeyLastUsed", without("iam:GetAccessKeyLastUsed"), true, "", "quota"},
		{"only CreateAccessKey", []string{"iam:CreateAccessKey"}, false, "DeleteAccessKey", "LimitExceeded"},
		{"none", []string{"iam:GetUser"}, false, "CreateAccessKey", "AccessDenied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Run("one key", func(t *testing.T) {
				r := newFixture(t, "[profile m]\n")
				r.allow(tt.rights)
				err := r.rotation().Run(t.Context())
				if tt.rotates {
					if err != nil {
						t.Fatal(err)
					}
					if r.wantOne() == r.Key.ID {
						t.Error("the old key is still stored")
					}
					return
				}
				wantRefusal(t, err, tt.refused, "AccessDenied")
				r.wantWorking()
				var unfinished *rotation.UnfinishedError
				if !errors.As(err, &unfinished) {
					r.wantOne()
					return
				}
				for range 2 { // a second undo must not break the key that the first one restored
					wantRefusal(t, r.rotation().Undo(t.Context()), tt.refused, "AccessDenied")
					r.wantWorking()
				}
				r.allow(fullRights)
				r.run()
				r.wantOne()
			})
			t.Run("two keys", func(t *testing.T) {
				r := newFixture(t, "[profile m]\n")
				r.Alice.AddKey()
				r.allow(tt.rights)
				err := r.rotation().Run(t.Context())
				var full *rotation.QuotaError
				if isQuota := errors.As(err, &full); isQuota != (tt.quota == "quota") {
					t.Errorf("got %v, want %s", err, tt.quota)
				} else if !isQuota {
					wantRefusal(t, err, "CreateAccessKey", tt.quota)
				}
				if id := r.wantWorking(); id != r.Key.ID || len(r.listed()) != 2 {
					t.Errorf("the stored key is %s, and the keys are %v", id, r.listed())
				}
			})
			t.Run("lost response", func(t *testing.T) {
				r := newFixture(t, "[profile m]\n")
				r.allow(tt.rights)
				r.AWS.Fail(fault{Action: "CreateAccessKey", AnswerLost: true})
				_ = r.rotation().Run(t.Context()) // without ListAccessKeys, the key with the lost secret stays at AWS
				r.wantWorking()
				_ = r.rotation().Run(t.Context())
				r.wantWorking()
			})
		})
	}
}

func wantRefusal(t *testing.T, err error, action, code string) {
	t.Helper()
	var refused *awsapi.APIError
	if !errors.As(err, &refused) || refused.Action != action || refused.Code != code {
		t.Errorf("got %v, want %s for %s", err, code, action)
	}
}

// TestMinimalRightsInterrupted interrupts a rotation with minimal permissions after each call, and then finishes or
// undoes it.
func TestMinimalRightsInterrupted(t *testing.T) {
	for _, next := range []string{"resume", "undo"} {
		for skip := range 8 {
			r := newFixture(t, "[profile m]\n")
			r.allow(minimalRights)
			r.AWS.Fail(fault{Skip: skip, Times: -1, Hangup: true})
			err := r.rotation().Run(t.Context())
			r.AWS.Heal()
			if err == nil {
				break
			}
			r.wantWorking()
			var none *rotation.NoJournalError
			act := r.rotation().Resume
			if next == "undo" {
				act = r.rotation().Undo
			}
			if err := act(t.Context()); err != nil && !errors.As(err, &none) {
				t.Errorf("%s after %d calls: %v", next, skip, err)
			}
			r.wantOne()
		}
	}
}
