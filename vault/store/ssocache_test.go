package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"
)

func newSSOCache(t *testing.T) *SSOCache {
	dir := t.TempDir()
	return &SSOCache{Dir: filepath.Join(dir, "cache"), Digests: disk.NewFolder(filepath.Join(dir, "shared"))}
}

func cached(access string, expires time.Time) CachedToken {
	return CachedToken{
		StartURL: "https://corp.awsapps.com/start", Region: "eu-west-1", AccessToken: access, ExpiresAt: expires,
		ClientID: "EXAMPLE-client", ClientSecret: "EXAMPLE-secret", RefreshToken: "EXAMPLE-refresh", RegistrationExpiresAt: expires,
	}
}

// Share writes only the access token. It writes the token to the file where the AWS CLI looks for it.
func TestSSOCacheShare(t *testing.T) {
	c := newSSOCache(t)
	if err := c.Share("corp", cached("EXAMPLE-access", noon.Add(time.Hour)), noon); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(c.Dir, "ee0bfd2552fbd840c02cc48b6e823320543c450f.json"); c.Path("corp") != want {
		t.Errorf("the path is %s, want %s", c.Path("corp"), want)
	}
	raw, err := os.ReadFile(c.Path("corp"))
	want := `{"startUrl":"https://corp.awsapps.com/start","region":"eu-west-1","accessToken":"EXAMPLE-access","expiresAt":"2030-01-01T13:00:00Z"}`
	if err != nil || string(raw) != want {
		t.Errorf("wrote %s, %v", raw, err)
	}
	if info, err := os.Stat(c.Path("corp")); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	if got, ok := c.Token("corp"); !ok || got.AccessToken != "EXAMPLE-access" || got.RefreshToken != "" {
		t.Errorf("reads back as %+v", got)
	}
	if err := c.Share("corp", cached("EXAMPLE-newer", noon.Add(2*time.Hour)), noon); err != nil {
		t.Errorf("Share did not replace our own token: %v", err)
	}
	if err := c.RemoveAll(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{c.Dir, c.Digests.Path()} {
		if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 0 {
			t.Errorf("%q was not removed", names)
		}
	}
}

// Share replaces another program's token only if that program can no longer use the token. Remove never removes
// the token of another program.
func TestSSOCacheKeepsForeignTokens(t *testing.T) {
	for name, x := range map[string]struct {
		text     string
		replaced bool
	}{
		"fresh":                        {`{"accessToken":"EXAMPLE-theirs","expiresAt":"2030-01-01T13:00:00Z"}`, false},
		"renewable":                    {`{"accessToken":"EXAMPLE-theirs","expiresAt":"2029-01-01T13:00:00Z","refreshToken":"EXAMPLE-r"}`, false},
		"with a number as its region":  {`{"region":1,"accessToken":"EXAMPLE-theirs","expiresAt":"2029-01-01T13:00:00Z","refreshToken":"EXAMPLE-r"}`, false},
		"with an unknown time":         {`{"accessToken":"EXAMPLE-theirs","expiresAt":"soon"}`, false},
		"of an older AWS CLI":          {`{"accessToken":"EXAMPLE-theirs","expiresAt":"2030-01-01T13:00:00UTC"}`, false},
		"of an older AWS CLI, expired": {`{"accessToken":"EXAMPLE-theirs","expiresAt":"2029-01-01T13:00:00UTC"}`, true},
		"too large":                    {strings.Repeat(" ", maxItem+1), false},
		"expired":                      {`{"accessToken":"EXAMPLE-theirs","expiresAt":"2029-01-01T13:00:00Z"}`, true},
		"damaged":                      {`EXAMPLE`, true},
	} {
		c := newSSOCache(t)
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path("corp"), []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.Remove("corp"); err != nil {
			t.Error(err)
		}
		err := c.Share("corp", cached("EXAMPLE-ours", noon.Add(time.Hour)), noon)
		if (err == nil) != x.replaced || err != nil && !errors.Is(err, ErrNotOurToken) && name != "too large" {
			t.Errorf("%s: Share returned %v", name, err)
		}
		raw, err := os.ReadFile(c.Path("corp"))
		if err != nil || strings.Contains(string(raw), "ours") != x.replaced {
			t.Errorf("%s: the file was replaced: %v, want %v; %v", name, !x.replaced, x.replaced, err)
		}
	}
	c := newSSOCache(t)
	if err := c.Share("corp", cached("EXAMPLE-ours", noon.Add(time.Hour)), noon); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path("corp"), []byte(`{"accessToken":"EXAMPLE-theirs"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Remove("corp"); err != nil {
		t.Error(err)
	}
	if got, ok := c.Token("corp"); !ok || got.AccessToken != "EXAMPLE-theirs" {
		t.Errorf("a token that another program wrote over ours was removed")
	}
}

func TestSSOCacheMissing(t *testing.T) {
	c := newSSOCache(t)
	if _, ok := c.Token("corp"); ok {
		t.Error("found a token in a missing folder")
	}
	if err := errors.Join(c.Remove("corp"), c.RemoveAll()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(c.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Share("corp", cached("EXAMPLE", noon.Add(time.Hour)), noon); err == nil {
		t.Error("Share returned nil although the folder is a file")
	}
}

func TestLoginCache(t *testing.T) {
	c := &LoginCache{Dir: t.TempDir()}
	const session = "arn:aws:iam::123456789012:user/alice"
	if _, ok := c.Login(session); ok {
		t.Error("found a sign-in in an empty folder")
	}
	for text, want := range map[string]bool{
		"EXAMPLE": false,
		`{"accessToken":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","expiresAt":"2030-01-01T13:00:00Z"},"refreshToken":"EXAMPLE-r","dpopKey":"EXAMPLE-k"}`: true,
	} {
		if err := os.WriteFile(c.Path(session), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, ok := c.Login(session)
		if ok != want || ok && (got.RefreshToken != "EXAMPLE-r" || got.ProofKey != "EXAMPLE-k" || !got.AccessToken.ExpiresAt.Equal(noon.Add(time.Hour))) {
			t.Errorf("%s: %+v, %v", text, got, ok)
		}
	}
	if err := errors.Join(c.Remove(session), c.Remove(session)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Path(session)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat after Remove returned %v, want fs.ErrNotExist", err)
	}
}
