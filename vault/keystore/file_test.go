package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"

	"github.com/mtibben/percent"
)

const testPassphrase = "correct horse"

func passphraseAnswer(text string) func(context.Context, PassphrasePrompt) (string, error) {
	return func(context.Context, PassphrasePrompt) (string, error) { return text, nil }
}

func fileConfig(t *testing.T, passphrase string) Config {
	dir := t.TempDir()
	return Config{
		Backend:    "file",
		FileDir:    filepath.Join(dir, "keys"),
		State:      disk.NewFolder(filepath.Join(dir, "state")),
		Passphrase: passphraseAnswer(passphrase),
		Now:        func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

func mustOpen(t *testing.T, c Config) *Keystore {
	t.Helper()
	k, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustPut(t *testing.T, r Ring, items ...Item) {
	t.Helper()
	for _, it := range items {
		if err := r.Put(t.Context(), it); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileRing(t *testing.T) {
	k := mustOpen(t, fileConfig(t, testPassphrase))
	slashes := []string{"arn:aws:iam::123456789012:mfa/x", "a/../b", "50%", "%2F"}
	t.Run("keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{names: slashes}) })
	t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{names: slashes, private: true}) })
}

func TestFilePermissions(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	if _, err := k.Keys.Names(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.FileDir); err == nil {
		t.Error("Names created a directory")
	}
	mustPut(t, k.Keys, testItem("prod"))
	mustPut(t, k.Private, testItem("prod"))
	err := filepath.WalkDir(filepath.Dir(c.FileDir), func(path string, d os.DirEntry, err error) error {
		if err != nil || path == filepath.Dir(c.FileDir) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() && path != filepath.Join(c.FileDir, "prod") && strings.Contains(path, "prod") {
			t.Errorf("the path %s reveals the item's name", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileDamaged(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	mustPut(t, k.Keys, testItem("prod"), testItem("intact"))
	path := filepath.Join(c.FileDir, "prod")
	intact, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	half := string(intact[:len(intact)/2])
	notItem, err := sealJWE([]byte("[1,2]"), newTestWrapping(t), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty": "", "half": half, "garbage": "\x00\x01", "text": "a.b.c.d.e", "large": strings.Repeat("a", maxItemFile+1),
		"text changed": string(intact[:len(intact)-40]) + "AAAA" + string(intact[len(intact)-36:]),
		"no item":      notItem.String(),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := mustOpen(t, c).Keys.Item(t.Context(), "prod")
			var damaged *DamagedError
			if !errors.As(err, &damaged) || damaged.Name != "prod" || damaged.Where != c.FileDir {
				t.Errorf("Item returned %v, want a *DamagedError", err)
			}
			if strings.Contains(fmt.Sprint(err), testSecret) {
				t.Errorf("the error reveals the secret: %v", err)
			}
			wantItem(t, mustOpen(t, c).Keys, testItem("intact"), ringTest{})
		})
	}
	t.Run("directory", func(t *testing.T) {
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		var damaged *DamagedError
		if _, err := k.Keys.Item(t.Context(), "prod"); !errors.As(err, &damaged) {
			t.Errorf("Item returned %v, want a *DamagedError", err)
		}
	})
	t.Run("line end", func(t *testing.T) {
		if err := errors.Join(os.Remove(path), os.WriteFile(path, append(intact, "\r\n"...), 0o600)); err != nil {
			t.Fatal(err)
		}
		wantItem(t, k.Keys, testItem("prod"), ringTest{})
	})
}

func TestFileNames(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	if err := os.Mkdir(c.FileDir, 0o700); err != nil {
		t.Fatal(err)
	}
	const temp = ".aws-vault-0123456789abcdef.tmp"
	for _, name := range []string{"prod", "a%2Fb", "50%25", "50%", temp, ".hidden"} {
		if err := os.WriteFile(filepath.Join(c.FileDir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(c.FileDir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	keys := mustOpen(t, c).Keys
	names, err := keys.Names(t.Context())
	if want := []string{".hidden", "50%", "a/b", "prod"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("Names = %q, %v, want %q", names, err, want)
	}
	var bad *NameError
	for _, name := range []string{temp, strings.Repeat("n", 256), strings.Repeat("/", 100), strings.Repeat("n", 2000), strings.Repeat("用", 90), strings.Repeat("用", 700)} {
		if err := keys.Put(t.Context(), testItem(name)); !errors.As(err, &bad) || len(err.Error()) > 200 || strings.Contains(err.Error(), `\x`) {
			t.Errorf("Put(%.40q) returned %v, want a short *NameError with whole characters", name, err)
		}
	}
	if err := keys.Put(t.Context(), Item{Name: "big", Data: make([]byte, maxItemFile)}); err == nil {
		t.Error("Put wrote an item that is too large to read")
	}
}

func TestFileDir(t *testing.T) {
	c := Config{Home: filepath.FromSlash("/home/x")}
	for dir, want := range map[string]string{
		"": "/home/x/.awsvault/keys", "~/k": "/home/x/k", "~": "/home/x", "/k/": "/k", "~other": "~other",
	} {
		c.FileDir = dir
		have, err := c.fileDir()
		if want == "~other" {
			want, _ = filepath.Abs(want)
		}
		if err != nil || filepath.ToSlash(have) != filepath.ToSlash(want) {
			t.Errorf("fileDir of %q is %q, %v, want %q", dir, have, err, want)
		}
	}
}

func TestPrivateItemMoved(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	mustPut(t, k.Private, testItem("one"), testItem("two"))
	dir := c.privateDir("file", c.FileDir)
	if err := os.Rename(dir.File(PrivateName("one")), dir.File(PrivateName("two"))); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if it, err := k.Private.Item(t.Context(), "two"); !errors.As(err, &damaged) {
		t.Errorf("Item returned %q, %v, want a *DamagedError", it.Name, err)
	}
	if err := os.WriteFile(dir.File("stray"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := k.Private.Names(t.Context()); err != nil || !slices.Equal(names, []string{PrivateName("two")}) {
		t.Errorf("Names = %q, %v", names, err)
	}
}

func FuzzFileName(f *testing.F) {
	for _, name := range []string{"prod", "a/b", "..", "%", "%2F", ".aws-vault-0123456789abcdef.tmp", "ü\x00"} {
		f.Add(name)
	}
	r := &fileRing{}
	f.Fuzz(func(t *testing.T, name string) {
		file, err := r.file(name)
		var bad *NameError
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("the error is not a *NameError: %v", err)
			}
			return
		}
		if filepath.Base(file) != file || unescapeFileName(file) != name {
			t.Errorf("the item %q is in the file %q, which unescapes to another name", name, file)
		}
		if want := percent.Encode(name, escapedInFiles); file != want { // aws-vault 7's library uses package percent
			t.Errorf("the item %q is in the file %q, want %q", name, file, want)
		}
	})
}

// FuzzUnescapeFileName checks that unescapeFileName and aws-vault 7's library return the same item name for every
// file name.
func FuzzUnescapeFileName(f *testing.F) {
	for _, base := range []string{"prod", "a%2Fb", "a%2fb", "50%", "%", "%2", "%zz", "%%41", "\xff%FF"} {
		f.Add(base)
	}
	f.Fuzz(func(t *testing.T, base string) {
		if have, want := unescapeFileName(base), percent.Decode(base); have != want {
			t.Errorf("the file %q is read as the item %q, want %q", base, have, want)
		}
	})
}

// TestFileSweeps creates an old and a recent temporary file. Names must remove the old file, which counts as a
// leftover of a killed process. Names must keep the recent file.
func TestFileSweeps(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	keys := mustOpen(t, c).Keys
	mustPut(t, keys, testItem("prod"))
	old, fresh := filepath.Join(c.FileDir, disk.TempName()), filepath.Join(c.FileDir, disk.TempName())
	for path, age := range map[string]time.Duration{old: 2 * time.Hour, fresh: time.Minute} {
		at := c.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := keys.Names(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("listed %q, %v", names, err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("Names did not remove an old temporary file")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("Names removed a recent temporary file, which another process may be writing")
	}
}
