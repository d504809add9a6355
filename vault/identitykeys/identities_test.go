package identitykeys_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/testvault"
	"aws-vault/vault/disk"
	"aws-vault/vault/identity"
	"aws-vault/vault/identitykeys"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/store"
)

// A fixture is an Identities with a keystore in memory and a clock that the test sets.
type fixture struct {
	*identitykeys.Identities
	ring *keystoretest.Ring
	now  time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s := &fixture{ring: keystoretest.New(), now: time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	s.Identities = &identitykeys.Identities{
		Dir: disk.NewFolder(filepath.Join(dir, "identities")), Ring: s.ring, Now: func() time.Time { return s.now },
		Locks: &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Program: "aws-vault test", Now: time.Now},
	}
	return s
}

// add creates a software key, stores it and adds it to the identity's record.
func (s *fixture) add(t *testing.T, name string) (identity.Key, *ecdsa.PrivateKey) {
	t.Helper()
	secret, k := softKey(t, s.now)
	if err := s.StoreSecret(t.Context(), k.ID, secret); err != nil {
		t.Fatal(err)
	}
	err := s.Change(t.Context(), name, func(r identity.Record) (identity.Record, error) { return r.With(k, s.now) })
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

// softKey creates a software key that begins to sign at the time since.
func softKey(t *testing.T, since time.Time) (*ecdsa.PrivateKey, identity.Key) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := identity.NewKey(secret.Public(), identity.Software, 0, since)
	if err != nil {
		t.Fatal(err)
	}
	return secret, k
}

// file returns the path of the only record file.
func (s *fixture) file(t *testing.T) string {
	t.Helper()
	all, err := filepath.Glob(s.Dir.File("*"))
	if err != nil || len(all) != 1 {
		t.Fatalf("record files are %q (error: %v), want one file", all, err)
	}
	return all[0]
}

func TestIdentityKeys(t *testing.T) {
	s := newFixture(t)
	if _, err := s.SigningKey("alice"); !errors.Is(err, identitykeys.ErrNoIdentity) {
		t.Error(err)
	}
	first, secret := s.add(t, "alice")
	if k, err := s.SigningKey("alice"); err != nil || k.ID != first.ID {
		t.Errorf("SigningKey = %+v, %v, want the first key", k, err)
	}
	if got, err := s.Secret(t.Context(), first.ID); err != nil || !got.Equal(secret) {
		t.Errorf("Secret did not return the stored key (error: %v)", err)
	}
	path := s.file(t)
	if strings.Contains(path, "alice") {
		t.Errorf("the file name %s contains the identity's name", path)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("file mode is %v (error: %v), want 0600", st.Mode(), err)
	}
	if _, err := s.SigningKey("bob"); !errors.Is(err, identitykeys.ErrNoIdentity) {
		t.Error(err)
	}

	// The next key signs a day later. The first key is deleted when it is no longer published.
	s.now = s.now.Add(time.Hour)
	second, _ := s.add(t, "alice")
	if k, _ := s.SigningKey("alice"); k.ID != first.ID {
		t.Error("the second key signs too early")
	}
	s.now = s.now.Add(identity.PublishBefore)
	if k, _ := s.SigningKey("alice"); k.ID != second.ID {
		t.Error("the second key does not sign after PublishBefore")
	}
	if _, err := s.Secret(t.Context(), first.ID); err != nil {
		t.Error("the first key was deleted while it is still published:", err)
	}
	s.now = s.now.Add(2 * time.Hour)
	third, _ := s.add(t, "alice")
	if _, err := s.Secret(t.Context(), first.ID); err == nil {
		t.Error("the first key is still in the keystore")
	}
	for _, k := range []identity.Key{second, third} {
		if _, err := s.Secret(t.Context(), k.ID); err != nil {
			t.Error(err)
		}
	}

	if err := s.Remove(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if names, _ := s.ring.Names(t.Context()); len(names) > 0 {
		t.Errorf("the keystore still contains %q", names)
	}
	if _, err := s.Record("alice"); !errors.Is(err, identitykeys.ErrNoIdentity) {
		t.Error(err)
	}
	if err := s.Remove(t.Context(), "alice"); !errors.Is(err, identitykeys.ErrNoIdentity) {
		t.Error(err)
	}
}

// If an identity's key is on a security key, Remove does not use the keystore.
func TestRemoveIdentityOnCard(t *testing.T) {
	s := newFixture(t)
	_, k := softKey(t, s.now)
	k.Location = identity.PIVPrefix + "9c"
	err := s.Change(t.Context(), "alice", func(r identity.Record) (identity.Record, error) { return r.With(k, s.now) })
	if err != nil {
		t.Fatal(err)
	}
	s.ring.Err = testvault.ErrNoUser // any use of the keystore would fail with this error
	if err := s.Remove(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
}

func TestDamagedIdentityFile(t *testing.T) {
	s := newFixture(t)
	s.add(t, "alice")
	path := s.file(t)
	valid, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "truncated": string(valid[:len(valid)/2]), "garbage": "\x00\x01", "no keys": `{"keys":[]}`,
		"too large":      strings.Repeat(" ", 70<<10) + string(valid),
		"wrong ID":       strings.Replace(string(valid), `"kid": "`, `"kid": "x`, 1),
		"wrong location": strings.Replace(string(valid), `"software"`, `"piv:zz"`, 1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"record": errorOf(s.Record("alice")), "signing": errorOf(s.SigningKey("alice")), "remove": s.Remove(t.Context(), "alice"),
			"change": s.Change(t.Context(), "alice", func(r identity.Record) (identity.Record, error) {
				t.Errorf("%s: Change called the function for a damaged file", name)
				return r, nil
			}),
		} {
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: got %v, want an error that names the file", name, what, err)
			}
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

// TestDamagedIdentitySecret checks that a damaged item in the keystore is never used as a key. Errors must not
// contain the contents of the item.
func TestDamagedIdentitySecret(t *testing.T) {
	s := newFixture(t)
	k, secret := s.add(t, "alice")
	other, _ := softKey(t, s.now)
	big, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	item := func(version int, kind string, key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(map[string]any{"version": version, "type": kind, "key": der})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	names, _ := s.ring.Names(t.Context())
	for name, data := range map[string][]byte{
		"empty": nil, "truncated": item(1, "identity key", secret)[:40], "invalid key": []byte(`{"version":1,"type":"identity key","key":"RVhBTVBMRQ=="}`),
		"key of another identity": item(1, "identity key", other), "another curve": item(1, "identity key", big),
		"another version": item(2, "identity key", secret), "another type": item(1, "session", secret),
	} {
		if err := s.ring.Put(t.Context(), keystore.Item{Name: names[0], Data: data}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Secret(t.Context(), k.ID); got != nil || err == nil || err.Error() != "the key "+k.ID+" in the keystore is damaged" {
			t.Errorf("%s: got %v, want an error that the key is damaged", name, err)
		}
	}
	if _, err := s.Secret(t.Context(), "missing"); err == nil || !strings.Contains(err.Error(), "the keystore has no key missing") {
		t.Error(err)
	}
	s.ring.Err = testvault.ErrNoUser
	if _, err := s.Secret(t.Context(), k.ID); !errors.Is(err, testvault.ErrNoUser) {
		t.Errorf("failing keystore: got %v, want its error", err)
	}
	if err := s.StoreSecret(t.Context(), k.ID, secret); !errors.Is(err, testvault.ErrNoUser) {
		t.Error(err)
	}
}

// If the keystore cannot delete the key, Remove does not delete the identity's record.
func TestFailedRemoveKeepsIdentity(t *testing.T) {
	s := newFixture(t)
	s.add(t, "alice")
	s.ring.Err = testvault.ErrNoUser
	if err := s.Remove(t.Context(), "alice"); !errors.Is(err, testvault.ErrNoUser) {
		t.Error(err)
	}
	s.ring.Err = nil
	if _, err := s.Record("alice"); err != nil {
		t.Error(err)
	}
}

// Concurrent processes that change an identity do not lose each other's changes.
func TestConcurrentChanges(t *testing.T) {
	s := newFixture(t)
	const processes = 12
	var wg sync.WaitGroup
	for range processes {
		_, k := softKey(t, s.now)
		locks := &store.Locks{Dir: s.Locks.Dir, Program: "aws-vault test", Now: time.Now} // simulates the locks of another process
		own := &identitykeys.Identities{Dir: s.Dir, Ring: s.ring, Locks: locks, Now: s.Now}
		wg.Go(func() {
			err := own.Change(context.Background(), "alice", func(r identity.Record) (identity.Record, error) {
				k.SignsFrom = s.now.Add(time.Duration(len(r.Keys)) * time.Second)
				return identity.Record{Keys: append(r.Keys, k)}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r, err := s.Record("alice"); err != nil || len(r.Keys) != processes {
		t.Errorf("the record has %d keys, want %d (error: %v)", len(r.Keys), processes, err)
	}
}
