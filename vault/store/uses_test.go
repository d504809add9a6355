package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"
)

func newUses(t *testing.T) (*Uses, *time.Time) {
	now := noon
	return &Uses{Dir: disk.NewFolder(filepath.Join(t.TempDir(), "state")), Now: func() time.Time { return now }}, &now
}

func noteAll(t *testing.T, u *Uses, profiles ...string) {
	t.Helper()
	for _, p := range profiles {
		if err := u.Note(p); err != nil {
			t.Fatal(err)
		}
	}
}

func wantOrder(t *testing.T, u *Uses, want string) {
	t.Helper()
	if got := strings.Join(u.Order([]string{"a", "b", "c", "d"}), " "); got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
}

func TestUses(t *testing.T) {
	u, now := newUses(t)
	wantOrder(t, u, "a b c d")
	noteAll(t, u, "c")
	wantOrder(t, u, "c a b d")
	*now = now.Add(time.Hour)
	noteAll(t, u, "d") // later counts for more
	wantOrder(t, u, "d c a b")
	for range 3 {
		*now = now.Add(time.Hour)
		noteAll(t, u, "b")
	}
	wantOrder(t, u, "b d c a")
	*now = now.Add(4 * 7 * 24 * time.Hour) // what was often used once gives way
	noteAll(t, u, "a")
	wantOrder(t, u, "a b d c")
	*now = now.Add(-24 * time.Hour) // the clock was ahead
	wantOrder(t, u, "a b d c")
}

// Uses in a row are one, and write nothing.
func TestUsesInARow(t *testing.T) {
	u, now := newUses(t)
	noteAll(t, u, "a")
	before, err := os.ReadFile(u.Dir.File(usesFile))
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Minute)
	noteAll(t, u, "a")
	if after, _ := os.ReadFile(u.Dir.File(usesFile)); string(after) != string(before) {
		t.Errorf("%s became %s", before, after)
	}
	info, err := os.Stat(u.Dir.File(usesFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestUsesAreBounded(t *testing.T) {
	u, now := newUses(t)
	var names []string
	for i := range maxUses + 10 {
		names = append(names, fmt.Sprintf("p%d", i))
		*now = now.Add(time.Minute)
		noteAll(t, u, names[i])
	}
	if n := len(u.read()); n != maxUses {
		t.Errorf("%d profiles are remembered, want %d", n, maxUses)
	}
	if got := u.Order(names)[0]; got != names[len(names)-1] {
		t.Errorf("%s comes first, want the one used last", got)
	}
}

func FuzzUses(f *testing.F) {
	f.Add([]byte(`[{"profile":"a","weight":1,"last":"2030-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{"profile":"a","weight":-1e308},{"weight":1e308}]`))
	f.Add([]byte("junk"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, _ := newUses(t)
		if err := os.MkdirAll(u.Dir.Path(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(u.Dir.File(usesFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		noteAll(t, u, "b")
		got := u.Order([]string{"a", "b"})
		slices.Sort(got)
		if !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("the order is %q", got)
		}
	})
}
