package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
)

var testKey = aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret}

func newKeys(t *testing.T) (*Keys, *keystoretest.Ring) {
	r := keystoretest.New()
	return &Keys{Ring: r, Dir: disk.NewFolder(filepath.Join(t.TempDir(), "generations"))}, r
}

// TestKeyItem checks that keys are stored in the form that aws-vault 7 reads and writes.
func TestKeyItem(t *testing.T) {
	keys, r := newKeys(t)
	if err := keys.Put(t.Context(), "work", testKey); err != nil {
		t.Fatal(err)
	}
	want := keystore.Item{
		Name:        "work",
		Label:       "aws-vault (work)",
		Description: "aws-vault credentials for work",
		Data: []byte(`{"AccessKeyID":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",` +
			`"SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z","AccountID":""}`),
		Untrusted: true,
	}
	if got := r.Items["work"]; !reflect.DeepEqual(got, want) {
		t.Errorf("the item is\n%+v %s, want\n%+v %s", got, got.Data, want, want.Data)
	}
	if c, err := keys.Key(t.Context(), "work"); err != nil || c != testKey {
		t.Errorf("Key = %v, %v", c, err)
	}
	r.Items["old"] = keystore.Item{Name: "old", Data: []byte(`{"AccessKeyID":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"x","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z"}`)}
	if c, err := keys.Key(t.Context(), "old"); err != nil || c.SecretAccessKey != "x" {
		t.Errorf("an item of aws-vault 7: %v, %v", c, err)
	}
}

func TestDamagedKeys(t *testing.T) {
	whole := `{"AccessKeyID":"` + testKeyID + `","SecretAccessKey":"` + testSecret + `"}`
	for name, c := range map[string]struct{ data, want string }{
		"empty":      {"", "not valid JSON for an access key"},
		"half":       {whole[:len(whole)-3], "not valid JSON for an access key"},
		"garbage":    {`{"AccessKeyID":["` + testSecret + `"]}`, "not valid JSON for an access key"},
		"no id":      {`{"SecretAccessKey":"` + testSecret + `"}`, "the secret access key is missing"},
		"no secret":  {`{"AccessKeyID":"` + testKeyID + `"}`, "the secret access key is missing"},
		"null":       {"null", "the secret access key is missing"},
		"oversized":  {whole + strings.Repeat(" ", maxItem), "expected at most 65536"},
		"old secret": {`{"AccessKeyId":"","SecretAccessKey":"` + testSecret + `"}`, "the secret access key is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, r := newKeys(t)
			r.NoStamps = true
			r.Items["work"] = keystore.Item{Name: "work", Data: []byte(c.data)}
			got, err := keys.Key(t.Context(), "work")
			var damaged *DamagedError
			if !errors.As(err, &damaged) || damaged.Name != "work" || got != (aws.Credentials{}) {
				t.Fatalf("Key = %v, %v, want a *DamagedError", got, err)
			}
			if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, testSecret) {
				t.Errorf("the error is %q, want it to contain %q", text, c.want)
			}
			if _, _, err := keys.Fingerprint(t.Context(), "work"); !errors.As(err, &damaged) {
				t.Errorf("Fingerprint returned %v", err)
			}
		})
	}
}

func TestKeyErrors(t *testing.T) {
	keys, r := newKeys(t)
	if _, err := keys.Key(t.Context(), "work"); !errors.Is(err, ErrNoKey) {
		t.Errorf("Key returned %v", err)
	}
	if err := keys.Remove(t.Context(), "work"); !errors.Is(err, ErrNoKey) {
		t.Errorf("Remove returned %v", err)
	}
	if print, ok, err := keys.Fingerprint(t.Context(), "work"); print != "" || ok || err != nil {
		t.Errorf("Fingerprint = %q, %t, %v", print, ok, err)
	}
	for _, method := range []string{"Item", "Put", "Remove", "Names", "Stamp"} {
		r.Errors[method] = errBroken
	}
	_, item := keys.Key(t.Context(), "work")
	_, names := keys.Names(t.Context())
	_, _, print := keys.Fingerprint(t.Context(), "work")
	for _, err := range []error{item, names, print, keys.Put(t.Context(), "work", testKey), keys.Remove(t.Context(), "work")} {
		if !errors.Is(err, errBroken) {
			t.Errorf("got %v, want the keystore's error", err)
		}
	}
	clear(r.Errors)
	if err := keys.Put(t.Context(), "work", testKey); err != nil {
		t.Fatal(err)
	}
	if err := keys.Remove(t.Context(), "work"); err != nil || len(r.Items) != 0 {
		t.Errorf("Remove returned %v and left %v", err, r.Items)
	}
}

// A Put that is refused changes nothing.
func TestRefusedPut(t *testing.T) {
	old := aws.Credentials{AccessKeyID: "AKIDOLD", SecretAccessKey: "old"}
	keys, r := newKeys(t)
	if err := keys.Put(t.Context(), "work", old); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if err := keys.Put(t.Context(), "work", aws.Credentials{AccessKeyID: testKeyID}); !errors.As(err, &damaged) {
		t.Errorf("Put of a key without a secret returned %v", err)
	}
	far := testKey
	far.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := keys.Put(t.Context(), "work", far); err == nil || strings.Contains(err.Error(), testSecret) {
		t.Errorf("Put of a key whose expiry JSON cannot represent returned %v", err)
	}
	if err := os.RemoveAll(keys.Dir.Path()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keys.Dir.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keys.Put(t.Context(), "work", testKey); err == nil {
		t.Error("Put returned nil although the generation could not be recorded")
	}
	if c, err := keys.Key(t.Context(), "work"); err != nil || c.AccessKeyID != old.AccessKeyID || r.Calls["Put"] != 1 {
		t.Errorf("the old key is now %v, %v", c.AccessKeyID, err)
	}
}

// Put refuses names that look like a session or token of aws-vault 7. Names leaves out only the exact names of sessions
// and tokens of older versions, so it lists an existing key even if Put refuses the key's name.
func TestKeyNames(t *testing.T) {
	for _, c := range []struct {
		name           string
		refused, names bool
	}{
		{"work", false, true},
		{"a b", false, true},
		{"a,b", false, true},
		{"a,b,c", false, true},
		{"a,b,c,d", false, true},
		{"a,b,c,1,", false, true},
		{"a,,c,1", false, true},
		{"oidc", false, true},
		{"session", false, true},
		{"session:x", false, true},
		{"my session", false, true},
		{"foo session", false, true},
		{"foo session (x)", false, true},

		// aws-vault 7 would hide or delete keys with these names, so Put refuses the names. Existing keys are listed.
		{"a,b,c,1", true, true},
		{"a\nb,c,,1", true, true},
		{"session,x,y,12", true, true},
		{"session:x:y:1", true, true},
		{"foo session (1)", true, true},
		{"foo session (1700000000)", true, true},
		{"oidc:x", true, true},
		{"sts.AssumeRole,work,,1700000000,", false, true},
		{"sts.AssumeRole,a b,,1700000000", true, true},
		{"sts.AssumeRole,d29yaw,not base64,1700000000", true, true},
		{"sts.AssumeRole,d29yaw,,17000000000", true, true},
		{"other,d29yaw,,1700000000", true, true},

		// These are names of sessions and tokens of older versions.
		{"sts.GetSessionToken,d29yaw,YXJuOmF3czppYW06OjE6bWZhL2JvYg,1700000000", true, false},
		{"sts.AssumeRole,d29yaw,,1700000000", true, false},
		{"sts.AssumeRoleWithWebIdentity,d29yaw,,1700000000", true, false},
		{"sso.GetRoleCredentials,d29yaw,aHR0cHM6Ly94,1700000000", true, false},
		{"credential_process,d29yaw,,1700000000", true, false},
		{"session,d29yaw,,1500000000", true, false},
		{"oidc:https://x.awsapps.com/start", true, false},
		{"oidc:http://127.0.0.1/start", true, false},
	} {
		keys, r := newKeys(t)
		err := keys.Put(t.Context(), c.name, testKey)
		var taken *NameError
		if errors.As(err, &taken) != c.refused || err != nil && !c.refused {
			t.Errorf("%q: Put returned %v, want refused %t", c.name, err, c.refused)
		}
		if c.refused && (taken == nil || taken.Name != c.name || len(r.Items) != 0 || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: the error is %v, %d items", c.name, err, len(r.Items))
		}
		if !c.refused && !c.names {
			t.Errorf("Put accepts %q, but Names does not list it", c.name)
		}
		r.Items[c.name] = keystore.Item{Name: c.name}
		names, err := keys.Names(t.Context())
		if err != nil || slices.Contains(names, c.name) != c.names {
			t.Errorf("%q: the names are %q, %v", c.name, names, err)
		}
		if r.Items[c.name].Name == "" || r.Calls["Remove"] != 0 || r.Calls["Item"] != 0 {
			t.Errorf("%q: Names made the keystore calls %v", c.name, r.Calls)
		}
	}
}

// FuzzHiddenNamesAreRefused checks that Put refuses every name that Names hides. Otherwise a stored key would
// disappear.
func FuzzHiddenNamesAreRefused(f *testing.F) {
	for _, name := range []string{"work", "oidc:https://x", "session,d29yaw,,1500000000", "sts.AssumeRole,d29yaw,,1700000000", "a\n,b,,1", "credential_process,\n,,1234567890"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if isLegacy(name) && checkKeyName(name) == nil {
			t.Errorf("Put accepts %q, but Names does not list it", name)
		}
	})
}

func TestNamesSorted(t *testing.T) {
	keys, r := newKeys(t)
	for _, name := range []string{"b", "a", "c"} {
		r.Items[name] = keystore.Item{Name: name}
	}
	if names, err := keys.Names(t.Context()); err != nil || !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("the names are %q, %v", names, err)
	}
}

func TestFingerprint(t *testing.T) {
	keys, r := newKeys(t)
	print := func(name string) string {
		t.Helper()
		p, ok, err := keys.Fingerprint(t.Context(), name)
		if err != nil || !ok || strings.Contains(p, testSecret) {
			t.Fatalf("Fingerprint = %q, %t, %v", p, ok, err)
		}
		return p
	}
	put := func(name string) {
		t.Helper()
		if err := keys.Put(t.Context(), name, testKey); err != nil {
			t.Fatal(err)
		}
		r.Writes[name] = 0 // the stamp does not change, as if the last write was in the same second
	}
	seen := map[string]string{}
	changed := func(why string) {
		t.Helper()
		p := print("work")
		if old, ok := seen[p]; ok {
			t.Errorf("the fingerprint after %s is the same as after %s", why, old)
		}
		seen[p] = why
		if p != print("work") {
			t.Errorf("the fingerprint after %s changes without a write", why)
		}
	}
	put("work")
	changed("the first writing")
	put("work")
	changed("one in the same second")
	during := ""
	r.BeforeAny = func(method string) {
		if method == "Put" {
			during = print("work") // during is the fingerprint that another process would read while the key is written
		}
	}
	put("work")
	r.BeforeAny = nil
	seen[during] = "what was there during a writing"
	changed("the end of a writing")
	r.StampSuffixes["work"] = "later"
	changed("one by another program")
	if r.Calls["Item"] != 0 {
		t.Errorf("%d items were opened, though the keystore has stamps", r.Calls["Item"])
	}
	before := print("work")
	put("other")
	if print("work") != before {
		t.Error("writing another key changed the fingerprint")
	}

	r.NoStamps = true
	changed("the loss of stamps")
	put("work")
	changed("a writing without a stamp")
	c := testKey
	c.SecretAccessKey = "another"
	data, _ := encodeKey(c)
	r.Items["work"] = keystore.Item{Name: "work", Data: data}
	changed("one by another program without a stamp")
	r.BeforeAny = func(method string) {
		if method == "Item" {
			delete(r.Items, "work")
		}
	}
	if p, ok, err := keys.Fingerprint(t.Context(), "work"); p != "" || ok || err != nil {
		t.Errorf("Fingerprint of a key removed meanwhile = %q, %t, %v", p, ok, err)
	}
}

func TestUnreadableGeneration(t *testing.T) {
	keys, r := newKeys(t)
	r.Items["work"] = keystore.Item{Name: "work"}
	if err := os.MkdirAll(keys.Dir.File(generationFile("work")), 0o700); err != nil {
		t.Fatal(err)
	}
	if p, ok, err := keys.Fingerprint(t.Context(), "work"); p != "" || ok || err == nil {
		t.Errorf("Fingerprint = %q, %t, %v, want an error", p, ok, err)
	}
}

func TestKeyCheck(t *testing.T) {
	one := KeyCheck(testKey)
	if len(one) != 32 || one != KeyCheck(testKey) {
		t.Errorf("KeyCheck = %q", one)
	}
	for _, other := range []aws.Credentials{
		{AccessKeyID: testKeyID, SecretAccessKey: testSecret + "x"},
		{AccessKeyID: testKeyID + "x", SecretAccessKey: testSecret},
	} {
		if KeyCheck(other) == one {
			t.Errorf("key %v has the same KeyCheck", other.AccessKeyID)
		}
	}
}

func FuzzDecodeKey(f *testing.F) {
	data, _ := encodeKey(testKey)
	f.Add(data)
	f.Add([]byte(`{"accesskeyid":"a","secretaccesskey":"b","Expires":"9999-12-31T23:59:59-23:59"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeKey("work", data)
		if err != nil {
			var damaged *DamagedError
			if !errors.As(err, &damaged) || c != (aws.Credentials{}) {
				t.Fatalf("decoded %v, %v", c, err)
			}
			return
		}
		again, err := encodeKey(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > maxItem {
			return // JSON escaping made the key longer than an item may be
		}
		back, err := decodeKey("work", again)
		back.Expires, c.Expires = back.Expires.UTC(), c.Expires.UTC()
		if err != nil || back != c {
			t.Fatalf("%+v became %+v, %v", c, back, err)
		}
	})
}

// A key whose profile requires a touch is stored with that requirement. A key that was stored without the
// requirement is stored again when the key is read. If the keystore does not support touch, Put fails and Key
// returns the key.
func TestKeysThatNeedATouch(t *testing.T) {
	keys, r := newKeys(t)
	if err := keys.Put(t.Context(), "work", testKey); err != nil {
		t.Fatal(err)
	}
	keys.NeedsTouch = func(name string) (bool, error) { return name == "work", nil }
	if r.Items["work"].Touch {
		t.Error("the key requires a touch although its profile does not")
	}
	if c, err := keys.Key(t.Context(), "work"); err != nil || c != testKey || !r.Items["work"].Touch {
		t.Errorf("Key = %v, %v, requires a touch: %v", c, err, r.Items["work"].Touch)
	}
	if err := keys.Put(t.Context(), "other", testKey); err != nil || r.Items["other"].Touch {
		t.Errorf("Put of another key returned %v, requires a touch: %v", err, r.Items["other"].Touch)
	}
	cannot := errors.New("no touch here")
	keys.NeedsTouch = func(string) (bool, error) { return false, cannot }
	if err := keys.Put(t.Context(), "work", testKey); !errors.Is(err, cannot) {
		t.Errorf("Put returned %v, want %v", err, cannot)
	}
	if c, err := keys.Key(t.Context(), "other"); err != nil || c != testKey {
		t.Errorf("Key = %v, %v", c, err)
	}
}
