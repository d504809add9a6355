//go:build interop && linux

package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// seven runs the program in vault/keystore/testdata/seven. The program reads and changes the world's file keystore with
// the library and the settings of aws-vault 7.
func (w *world) seven(stdin string, args ...string) string {
	w.t.Helper()
	path := filepath.Join(w.home, "seven")
	if _, err := os.Stat(path); err != nil {
		if out, err := exec.Command("go", "build", "-o", path, "../../vault/keystore/testdata/seven").CombinedOutput(); err != nil {
			w.t.Fatalf("%v: %s", err, out)
		}
	}
	return w.input(stdin, "env", append([]string{
		"AWS_VAULT_FILE_DIR=" + filepath.Join(w.home, ".awsvault", "keys"), "DBUS_SESSION_BUS_ADDRESS=none:", path, "file",
	}, args...)...)
}

// itemOfSeven returns the keystore item that aws-vault 7 writes for an access key.
func itemOfSeven(t *testing.T, name string, k fakeaws.Key) string {
	t.Helper()
	data, err := json.Marshal(struct {
		AccessKeyID, SecretAccessKey, SessionToken, Source string
		CanExpire                                          bool
		Expires                                            time.Time
	}{AccessKeyID: k.ID, SecretAccessKey: k.Secret})
	if err != nil {
		t.Fatal(err)
	}
	item, err := json.Marshal(struct {
		Key, Label                  string
		Data                        []byte
		KeychainNotTrustApplication bool
	}{name, "aws-vault (" + name + ")", data, true})
	if err != nil {
		t.Fatal(err)
	}
	return string(item)
}

func TestFileOfSeven(t *testing.T) {
	t.Run("reads ours and no sessions", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		w.exec("true")
		var names []string
		if err := json.Unmarshal([]byte(w.seven("", "list")), &names); err != nil || !slices.Equal(names, []string{"alice"}) {
			t.Errorf("aws-vault 7 lists %q, %v, want alice alone", names, err)
		}
		var it struct{ Data []byte }
		if err := json.Unmarshal([]byte(w.seven("", "get", "alice")), &it); err != nil {
			t.Fatal(err)
		}
		var key struct{ AccessKeyID, SecretAccessKey string }
		if err := json.Unmarshal(it.Data, &key); err != nil || key.AccessKeyID != w.Key.ID || key.SecretAccessKey != w.Key.Secret {
			t.Errorf("aws-vault 7 reads another key, %v", err)
		}
	})

	t.Run("writes what we read", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.seven(itemOfSeven(t, "alice", w.Key), "set")
		w.exec("true")
		w.calls(chain...)
	})

	t.Run("replaces a key behind us", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		w.exec("true")
		w.calls(chain...)
		second := w.Alice.AddKey()
		w.seven(itemOfSeven(t, "alice", second), "set")
		w.aws.Advance(30 * time.Second) // a new MFA code is needed, because each code can be used only once
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
		w.seven("", "remove", "alice")
		w.aws.Reset()
		w.fails("exec", "prod", "--", "true")
		w.calls()
	})
}
