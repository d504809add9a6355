//go:build interop && linux

package interop

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/99designs/keyring"

	"aws-vault/vault/vaulttest"
)

// openAsSeven opens the world's file keystore with the library and the settings of aws-vault 7.
func openAsSeven(t *testing.T, w *world) keyring.Keyring {
	t.Helper()
	ring, err := keyring.Open(keyring.Config{
		AllowedBackends:  []keyring.BackendType{keyring.FileBackend},
		ServiceName:      "aws-vault",
		FileDir:          filepath.Join(w.home, ".awsvault", "keys"),
		FilePasswordFunc: keyring.FixedStringPrompt("correct-horse"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// itemOfSeven is an item as aws-vault 7 writes it for a key.
func itemOfSeven(t *testing.T, name string, k vaulttest.Key) keyring.Item {
	t.Helper()
	data, err := json.Marshal(struct {
		AccessKeyID, SecretAccessKey, SessionToken, Source string
		CanExpire                                          bool
		Expires                                            time.Time
	}{AccessKeyID: k.ID, SecretAccessKey: k.Secret})
	if err != nil {
		t.Fatal(err)
	}
	return keyring.Item{Key: name, Label: "aws-vault (" + name + ")", Data: data, KeychainNotTrustApplication: true}
}

func TestFileOfSeven(t *testing.T) {
	t.Run("reads ours and no sessions", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		w.exec("true")
		ring := openAsSeven(t, w)
		if names, err := ring.Keys(); err != nil || !slices.Equal(names, []string{"alice"}) {
			t.Errorf("aws-vault 7 lists %q, %v, want alice alone", names, err)
		}
		it, err := ring.Get("alice")
		if err != nil {
			t.Fatal(err)
		}
		var key struct{ AccessKeyID, SecretAccessKey string }
		if err := json.Unmarshal(it.Data, &key); err != nil || key.AccessKeyID != w.Key.ID || key.SecretAccessKey != w.Key.Secret {
			t.Errorf("aws-vault 7 reads another key, %v", err)
		}
	})

	t.Run("writes what we read", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		if err := openAsSeven(t, w).Set(itemOfSeven(t, "alice", w.Key)); err != nil {
			t.Fatal(err)
		}
		w.exec("true")
		w.calls(chain...)
	})

	t.Run("replaces a key behind us", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		w.exec("true")
		w.calls(chain...)
		second := w.Alice.AddKey()
		if err := openAsSeven(t, w).Set(itemOfSeven(t, "alice", second)); err != nil {
			t.Fatal(err)
		}
		w.aws.Advance(30 * time.Second) // a code serves once
		w.write("code", w.MFA.Code()+"\n")
		w.exec("true")
		if calls := w.aws.Calls(); len(calls) == 0 || calls[0].AccessKeyID != second.ID {
			t.Errorf("the first call is not signed with the new key: %v", calls)
		}
		w.calls(chain...)
	})

	t.Run("removes a key behind us", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		w.exec("true")
		if err := openAsSeven(t, w).Remove("alice"); err != nil {
			t.Fatal(err)
		}
		w.aws.Reset()
		w.fails("exec", "prod", "--", "true")
		w.calls()
	})
}
