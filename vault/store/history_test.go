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

func newHistory(t *testing.T) (*ProfileHistory, *time.Time) {
	now := noon
	return &ProfileHistory{Dir: disk.NewFolder(filepath.Join(t.TempDir(), "state")), Now: func() time.Time { return now }}, &now
}

func recordAll(t *testing.T, u *ProfileHistory, profiles ...string) {
	t.Helper()
	for _, p := range profiles {
		if err := u.Record(p); err != nil {
			t.Fatal(err)
		}
	}
}

func wantOrder(t *testing.T, u *ProfileHistory, want string) {
	t.Helper()
	if got := strings.Join(u.Sort([]string{"a", "b", "c", "d"}), " "); got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
}

func TestHistory(t *testing.T) {
	u, now := newHistory(t)
	wantOrder(t, u, "a b c d")
	recordAll(t, u, "c")
	wantOrder(t, u, "c a b d")
	*now = now.Add(time.Hour)
	recordAll(t, u, "d") // profile d was used last, so its use counts for more than the use of c
	wantOrder(t, u, "d c a b")
	for range 3 {
		*now = now.Add(time.Hour)
		recordAll(t, u, "b")
	}
	wantOrder(t, u, "b d c a")
	*now = now.Add(4 * 7 * 24 * time.Hour) // many old uses count for less than one new use
	recordAll(t, u, "a")
	wantOrder(t, u, "a b d c")
	*now = now.Add(-24 * time.Hour) // the clock was a day fast and is corrected
	wantOrder(t, u, "a b d c")
}

// Repeated uses within minUseInterval count as one use, and write nothing.
func TestHistoryRepeatedUse(t *testing.T) {
	u, now := newHistory(t)
	recordAll(t, u, "a")
	before, err := os.ReadFile(u.Dir.File(historyFile))
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Minute)
	recordAll(t, u, "a")
	if after, _ := os.ReadFile(u.Dir.File(historyFile)); string(after) != string(before) {
		t.Errorf("%s became %s", before, after)
	}
	info, err := os.Stat(u.Dir.File(historyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	u, now := newHistory(t)
	var names []string
	for i := range maxProfiles + 10 {
		names = append(names, fmt.Sprintf("p%d", i))
		*now = now.Add(time.Minute)
		recordAll(t, u, names[i])
	}
	if n := len(u.read()); n != maxProfiles {
		t.Errorf("%d profiles are remembered, want %d", n, maxProfiles)
	}
	if got := u.Sort(names)[0]; got != names[len(names)-1] {
		t.Errorf("%s is first, want the most recently used profile", got)
	}
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte(`[{"profile":"a","weight":1,"last":"2030-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{"profile":"a","weight":-1e308},{"weight":1e308}]`))
	f.Add([]byte("junk"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, _ := newHistory(t)
		if err := os.MkdirAll(u.Dir.Path(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(u.Dir.File(historyFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		recordAll(t, u, "b")
		got := u.Sort([]string{"a", "b"})
		slices.Sort(got)
		if !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("the order is %q", got)
		}
	})
}
