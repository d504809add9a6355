package rotation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/rotation"
	"aws-vault/vault/store"
)

// A fixture is a vault with alice's key, which is rotated, and a second IAM user who can change alice's keys.
type fixture struct {
	*testvault.World
	*testing.T
	progress      []string
	keys          awsapi.AccessKeys // lists and changes alice's keys as the second user
	confirmDelete func() (bool, error)
}

func newFixture(t *testing.T, config string) *fixture {
	r := &fixture{World: testvault.New(t, config), T: t}
	r.StoreKey(t, "m")
	r.Source.AWS.Backoff = func(int, error) time.Duration { return 0 }
	other := r.AWS.AddUser("123456789012", "other").AddKey()
	r.keys = awsapi.AccessKeys{
		Client: r.Source.AWS, Target: awsapi.Target{Region: "us-east-1", Endpoint: awsapi.Endpoint{URL: r.AWS.URL()}}, User: "alice",
		Creds: aws.Credentials{AccessKeyID: other.ID, SecretAccessKey: other.Secret},
	}
	t.Cleanup(func() {
		for _, line := range append(r.progress, r.Notes...) {
			if strings.Contains(line, "EXAMPLESECRET") || strings.Contains(line, "AKIA") {
				t.Errorf("a message contains a key: %s", line)
			}
		}
	})
	return r
}

// rotation returns a rotation with a new plan, because each run of aws-vault makes its own plan.
func (r *fixture) rotation() *rotation.Rotation {
	r.Helper()
	o := plan.Options{Purpose: plan.Rotate}
	pl, err := r.Plan(r.Context(), "m", o)
	if err != nil {
		r.Fatal(err)
	}
	rot := &rotation.Rotation{
		Vault: r.Vault, Journals: &store.Journals{Ring: r.SessionRing}, Locks: r.Sessions.Locks, Plan: pl, Options: o,
		Progress: func(m string) { r.progress = append(r.progress, m) },
	}
	if r.confirmDelete != nil {
		rot.ConfirmDelete = func(context.Context, *rotation.QuotaError, rotation.KeyUse) (bool, error) { return r.confirmDelete() }
	}
	return rot
}

func (r *fixture) run() {
	r.Helper()
	if err := r.rotation().Run(r.Context()); err != nil {
		r.Fatal(err)
	}
}

// stop runs a rotation and returns its error. During the rotation, the fake AWS returns an error for the call that
// the argument f names.
func (r *fixture) stop(f fakeaws.Fault) error {
	r.Helper()
	f.Times = -1
	if f.Code == "" {
		f.Status = 500
	}
	r.AWS.Fail(f)
	err := r.rotation().Run(r.Context())
	r.AWS.Heal()
	var unfinished *rotation.UnfinishedError
	if !errors.As(err, &unfinished) || unfinished.Name != "m" {
		r.Fatalf("got %v, want an *UnfinishedError", err)
	}
	if strings.Contains(err.Error(), "AKIA") {
		r.Errorf("the error contains a key: %v", err)
	}
	return err
}

// listed returns the IDs of alice's keys.
func (r *fixture) listed() (ids []string) {
	r.Helper()
	keys, _, err := r.keys.List(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func (r *fixture) delete(id string) {
	r.Helper()
	if err := r.keys.Delete(r.Context(), id); err != nil {
		r.Fatal(err)
	}
}

// wantOne checks that there is one key, which is active and stored, and no journal. It returns the key's ID.
func (r *fixture) wantOne() string {
	r.Helper()
	stored, err := r.Keys.Key(r.Context(), "m")
	if err != nil {
		r.Fatal(err)
	}
	keys, _, err := r.keys.List(r.Context())
	if err != nil || len(keys) != 1 || !keys[0].Active || keys[0].ID != stored.AccessKeyID {
		r.Fatalf("the keys are %+v, error %v, and the stored key is %s", keys, err, stored.AccessKeyID)
	}
	if _, found, err := (&store.Journals{Ring: r.SessionRing}).Find(r.Context(), "m"); found || err != nil {
		r.Fatalf("the journal was not removed: %v", err)
	}
	return stored.AccessKeyID
}

func (r *fixture) wantProgress(words string) {
	r.Helper()
	if all := strings.Join(r.progress, "\n"); !strings.Contains(all, words) {
		r.Errorf("progress\n%s\nwant %q", all, words)
	}
}

// fault is a short name for fakeaws.Fault.
type fault = fakeaws.Fault

func TestRotate(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.run()
	if r.wantOne() == r.Key.ID {
		t.Error("the old key is still stored")
	}
}

// If the old key is deleted during a rotation, the rotation can be finished but not undone.
func TestOldKeyDeleted(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.stop(fault{Action: "UpdateAccessKey"})
	r.delete(r.Key.ID)
	err := r.rotation().Undo(t.Context())
	var deleted *rotation.OldKeyDeletedError
	if !errors.As(err, &deleted) || deleted.Name != "m" {
		t.Fatalf("got %v", err)
	}
	if err := r.rotation().Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantOne()
}

// TestNewKeyDeleted deletes the new key at AWS, either before or after the rotation has stored it. The next run
// must restore the old key, and then start a new rotation.
func TestNewKeyDeleted(t *testing.T) {
	for name, at := range map[string]fault{
		"before it was stored": {Action: "GetCallerIdentity", Skip: 1, Code: "InvalidClientTokenId", Status: 403},
		"after it was stored":  {Action: "UpdateAccessKey"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t, "[profile m]\n")
			r.stop(at)
			ids := r.listed()
			if len(ids) != 2 {
				t.Fatalf("the keys are %v, want two", ids)
			}
			r.delete(ids[1])
			r.run()
			r.wantProgress("was deleted at AWS, so the old key stays in use")
			if id := r.wantOne(); id == ids[0] || id == ids[1] {
				t.Error("no new key was created")
			}
		})
	}
}

// during registers the function f. At the next call of the given AWS action, the fake AWS carries out the action,
// then calls f, and then responds.
func (r *fixture) during(action string, f func()) {
	done := false
	r.AWS.Watch(func(c fakeaws.Call, answered bool) bool {
		if c.Action == action && answered && !done {
			done = true
			f()
		}
		return false
	})
	r.Cleanup(func() { r.AWS.Watch(nil) })
}

func TestNewKeyDeletedImmediately(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.during("CreateAccessKey", func() {
		for _, id := range r.listed() {
			if id != r.Key.ID {
				r.delete(id)
			}
		}
	})
	err := r.rotation().Run(t.Context())
	var deleted *rotation.NewKeyDeletedError
	if !errors.As(err, &deleted) {
		t.Errorf("got %v", err)
	}
	if r.wantOne() != r.Key.ID {
		t.Error("the old key is not stored")
	}
}

// TestNewKeyCannotBeStored checks that the new key is deleted at AWS if its secret cannot be stored. Without the
// secret, nobody can use the key.
func TestNewKeyCannotBeStored(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.during("CreateAccessKey", func() { r.SessionRing.Errors["Put"] = testvault.ErrNoUser })
	err := r.rotation().Run(t.Context())
	if !errors.Is(err, testvault.ErrNoUser) || !strings.Contains(err.Error(), "could not be stored, so it was deleted") {
		t.Errorf("got %v", err)
	}
	r.SessionRing.Errors["Put"] = nil
	if r.wantOne() != r.Key.ID {
		t.Error("the old key is not stored")
	}
}

func TestNewKeyCannotBeStoredOrDeleted(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.during("CreateAccessKey", func() {
		r.SessionRing.Errors["Put"] = testvault.ErrNoUser
		r.AWS.Fail(fault{Action: "DeleteAccessKey", Times: -1, Status: 500})
	})
	err := r.rotation().Run(t.Context())
	var unfinished *rotation.UnfinishedError
	if !errors.As(err, &unfinished) || !strings.Contains(err.Error(), "and could not be deleted at AWS") {
		t.Errorf("got %v", err)
	}
	r.SessionRing.Errors["Put"] = nil
	r.AWS.Heal()
	r.run()
	r.wantProgress("whose secret was lost with the response")
	r.wantOne()
}

// The old key is deleted only after the new key has been read back from the keystore.
func TestRotationReadsBack(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.World.Ring.BeforePut = func(_ context.Context, it keystore.Item) (keystore.Item, error) {
		return r.World.Ring.Items[it.Name], nil // the write reports success but changes nothing
	}
	err := r.rotation().Run(t.Context())
	var unfinished *rotation.UnfinishedError
	if !errors.As(err, &unfinished) {
		t.Fatalf("got %v, want an *UnfinishedError", err)
	}
	if ids := r.listed(); len(ids) != 2 || !slices.Contains(ids, r.Key.ID) {
		t.Errorf("alice's keys are %v, want two including the old one", ids)
	}
	r.World.Ring.BeforePut = nil
	r.run()
	r.wantOne()
}

func TestKeepOldIsRemembered(t *testing.T) {
	for _, first := range []bool{true, false} {
		r := newFixture(t, "[profile m]\n")
		rot := r.rotation()
		rot.KeepOld = first
		r.AWS.Fail(fault{Action: "UpdateAccessKey", Times: -1, Status: 500})
		if err := rot.Run(t.Context()); err == nil {
			t.Fatal("the rotation succeeds, want an error")
		}
		r.AWS.Heal()
		rot = r.rotation()
		rot.KeepOld = !first
		if err := rot.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys, _, err := r.keys.List(t.Context())
		if err != nil || len(keys) != 2 || keys[0].Active || !keys[1].Active {
			t.Errorf("the keys are %+v, error %v, want the old one inactive", keys, err)
		}
	}
}

func TestConfirmDelete(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	extra := r.Alice.AddKey()
	for name, answer := range map[string]func() (bool, error){
		"no prompt": nil, "no": func() (bool, error) { return false, nil }, "cancelled": func() (bool, error) { return false, testvault.ErrNoUser },
	} {
		r.confirmDelete = answer
		err := r.rotation().Run(t.Context())
		var full *rotation.QuotaError
		if name == "cancelled" {
			if !errors.Is(err, testvault.ErrNoUser) {
				t.Errorf("%s: got %v", name, err)
			}
		} else if !errors.As(err, &full) || len(full.Keys) != 2 || full.Keys[1].ID != extra.ID || full.Keys[1].Stored || !full.Keys[0].Stored {
			t.Errorf("%s: got %v", name, err)
		}
		if len(r.listed()) != 2 {
			t.Fatalf("%s: the keys are %v, want two", name, r.listed())
		}
	}
	r.confirmDelete = func() (bool, error) { return true, nil }
	r.run()
	r.wantOne()
}

// TestQuotaFullOnCreate checks that a rotation returns a QuotaError if AWS refuses to create a key because of its
// quota. This can happen even if AWS lists only one key, because the list may be out of date.
func TestQuotaFullOnCreate(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.AWS.Fail(fault{Action: "CreateAccessKey", Status: 409, Code: "LimitExceeded", Message: "Cannot exceed quota for AccessKeysPerUser: 2"})
	err := r.rotation().Run(t.Context())
	var full *rotation.QuotaError
	if !errors.As(err, &full) {
		t.Errorf("got %v", err)
	}
	r.wantOne()
}

func TestKeyOfRootIsRefused(t *testing.T) {
	r := newFixture(t, "[profile m]\n[profile r]\n"+testvault.SourceM+testvault.Readonly)
	role, err := r.Create(t, "r", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Keys.Put(t.Context(), "m", role); err != nil {
		t.Fatal(err)
	}
	err = r.rotation().Run(t.Context())
	var no *vault.NotUserError
	if !errors.As(err, &no) || !strings.Contains(no.Caller, "assumed-role") {
		t.Errorf("got %v", err)
	}
}

// If the journal is damaged, every action fails except Undo.
func TestDamagedJournal(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.SessionRing.Items["rotation of m"] = keystore.Item{Name: "rotation of m", Data: []byte("{")}
	for name, err := range map[string]error{"run": r.rotation().Run(t.Context()), "resume": r.rotation().Resume(t.Context())} {
		var damaged *store.JournalError
		if !errors.As(err, &damaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := r.rotation().Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantProgress("Discarding the record of an interrupted rotation")
	r.run()
	r.wantOne()
}

func TestPreview(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	r.stop(fault{Action: "UpdateAccessKey"})
	r.AWS.Reset()
	p, err := r.rotation().Preview(t.Context())
	if err != nil || p.Name != "m" || p.User != "alice" || len(p.Keys) != 2 || p.HasRoom || p.Interrupted == nil || p.Interrupted.Old.AccessKeyID != r.Key.ID {
		t.Errorf("the preview is %+v, error %v", p, err)
	}
	for _, c := range r.AWS.Calls() {
		switch c.Action {
		case "GetCallerIdentity", "ListAccessKeys", "GetAccessKeyLastUsed":
		default:
			t.Errorf("Preview calls %s", c.Action)
		}
	}
}

// TestRotationPromptsForOneCode checks that a rotation prompts for only one MFA code. The session that is created
// with this code must be valid until the rotation ends.
func TestRotationPromptsForOneCode(t *testing.T) {
	r := newFixture(t, "[profile m]\n"+testvault.MFA)
	r.run()
	r.wantOne()
	if r.Prompts != 1 {
		t.Errorf("%d prompts", r.Prompts)
	}
}

// TestInterruptedDuringCreate interrupts a rotation while AWS creates the key. The next rotation must not leave two
// keys.
func TestInterruptedDuringCreate(t *testing.T) {
	r := newFixture(t, "[profile m]\n")
	ctx, cancel := context.WithCancel(t.Context())
	r.during("CreateAccessKey", cancel)
	r.AWS.Fail(fault{Action: "CreateAccessKey", AnswerLost: true})
	if err := r.rotation().Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.run()
	r.wantOne()
}
