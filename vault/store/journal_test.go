package store

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
)

func rotation() Rotation {
	return Rotation{
		Name: "alice", User: "alice", Account: "123456789012", Before: []string{testKeyID},
		Old:  aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret},
		New:  aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"},
		From: noon, Until: noon.Add(35 * time.Second), KeepOld: true, Undo: true,
	}
}

func TestJournal(t *testing.T) {
	ring := keystoretest.New()
	j := &Journals{Ring: ring}
	if _, found, err := j.Find(t.Context(), "alice"); found || err != nil {
		t.Fatalf("an empty keystore has a journal: %v, %v", found, err)
	}
	want := rotation()
	if err := j.Put(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, found, err := j.Find(t.Context(), "alice")
	if err != nil || !found || !reflect.DeepEqual(got, want) {
		t.Errorf("found %+v, %v, %v, want %+v", got, found, err, want)
	}
	if _, found, _ := j.Find(t.Context(), "bob"); found {
		t.Error("found alice's journal under bob's name")
	}
	if names, err := j.Interrupted(t.Context(), []string{"alice", "bob"}); err != nil || !reflect.DeepEqual(names, []string{"alice"}) {
		t.Errorf("Interrupted returned %q, %v", names, err)
	}
	for range 2 {
		if err := j.Remove(t.Context(), "alice"); err != nil {
			t.Errorf("Remove returned %v", err)
		}
	}
	if len(ring.Items) != 0 {
		t.Errorf("%d items are left", len(ring.Items))
	}
}

// A journal is stored in the same keystore as the sessions, but is not treated as a session.
func TestJournalIsNotASession(t *testing.T) {
	w := newTestSessions(t)
	if err := (&Journals{Ring: w.ring}).Put(t.Context(), rotation()); err != nil {
		t.Fatal(err)
	}
	list, warnings, err := w.List(t.Context())
	if len(list) != 0 || len(warnings) != 0 || err != nil {
		t.Errorf("listed %v, %v, %v", list, warnings, err)
	}
	if n, _, err := w.Remove(t.Context(), func(Entry) bool { return true }); n != 0 || err != nil {
		t.Errorf("removed %d sessions, %v", n, err)
	}
	w.Sweep(t.Context())
	if len(w.ring.Items) != 1 {
		t.Error("the journal was deleted")
	}
}

func TestDamagedJournals(t *testing.T) {
	whole, err := encodeRotation(rotation())
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) []byte {
		changed := bytes.Replace(whole, []byte(old), []byte(new), 1)
		if bytes.Equal(changed, whole) {
			t.Fatalf("%q is not in the journal", old)
		}
		return changed
	}
	for want, data := range map[string][]byte{
		"not valid JSON for a rotation journal":              []byte(testSecret),
		"another type of item":                               change(`"rotation"`, `"session"`),
		"format version 2, expected version 1":               change(`"version":1`, `"version":2`),
		"it was written for another key":                     change(`"name":"alice"`, `"name":"bob"`),
		"the old key or its user is missing":                 change(`"user":"alice"`, `"user":""`),
		"the new key is incomplete":                          change("AKIAI44QH8DHBEXAMPLE", ""),
		"the time when the new key was requested is missing": change("2030-01-01T12:00:00Z", "0001-01-01T00:00:00Z"),
		"the journal lists 101 keys, expected":               change(`"`+testKeyID+`"`, strings.Repeat(`"x",`, 100)+`"x"`),
		"expected at most 65536":                             append(whole, bytes.Repeat([]byte(" "), maxItem)...),
		"is damaged: it broke":                               nil,
	} {
		ring := keystoretest.New()
		ring.Items[journalName("alice")] = keystore.Item{Data: data}
		if data == nil {
			ring.Errors["Item"] = &keystore.DamagedError{Name: "x", Where: "the keystore", Err: errBroken}
		}
		_, found, err := (&Journals{Ring: ring}).Find(t.Context(), "alice")
		var e *JournalError
		if found || !errors.As(err, &e) || e.Name != "alice" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("got %v, %v, want a *JournalError that contains %q", found, err, want)
		}
	}
}

func TestJournalKeystoreErrors(t *testing.T) {
	ring := keystoretest.New()
	ring.Errors["Item"], ring.Errors["Put"], ring.Errors["Remove"] = errBroken, errBroken, errBroken
	j := &Journals{Ring: ring}
	if _, _, err := j.Find(t.Context(), "alice"); !errors.Is(err, errBroken) {
		t.Errorf("Find returned %v", err)
	}
	if err := j.Put(t.Context(), rotation()); !errors.Is(err, errBroken) {
		t.Errorf("Put returned %v", err)
	}
	if err := j.Remove(t.Context(), "alice"); !errors.Is(err, errBroken) {
		t.Errorf("Remove returned %v", err)
	}
	half := rotation()
	half.New.SecretAccessKey = ""
	if err := j.Put(t.Context(), half); errors.Is(err, errBroken) || err == nil {
		t.Errorf("Put of a journal with half a key returned %v", err)
	}
}

// FuzzDecodeRotation checks that decoding fails only with a *JournalError, and that decoded journals can be
// encoded again.
func FuzzDecodeRotation(f *testing.F) {
	whole, err := encodeRotation(rotation())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("alice", whole)
	f.Add("alice", []byte(`{"version":1,"type":"rotation","name":"alice"}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		r, err := decodeRotation(name, data)
		if err != nil {
			var e *JournalError
			if !errors.As(err, &e) {
				t.Fatalf("the error is a %T", err)
			}
			return
		}
		again, err := encodeRotation(r)
		if err != nil {
			t.Fatal(err)
		}
		if r2, err := decodeRotation(name, again); err != nil || !reflect.DeepEqual(r, r2) {
			t.Errorf("%+v became %+v, %v", r, r2, err)
		}
	})
}
