//go:build unix

package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckShared(t *testing.T) {
	root := os.Geteuid() == 0
	for name, c := range map[string]struct {
		mode         os.FileMode
		owner, group int // set only if this user is root
		want         string
	}{
		"private":                     {0o600, 0, 0, ""},
		"readable":                    {0o644, 0, 0, ""},
		"writable by the own group":   {0o664, 0, 0, ""},
		"writable by all":             {0o666, 0, 0, "can be changed by all users (mode 0666)"},
		"writable by others only":     {0o602, 0, 0, "can be changed by all users (mode 0602)"},
		"readable by another group":   {0o644, 0, 4242, ""},
		"writable by another group":   {0o664, 0, 4242, "can be changed by the members of group 4242 (mode 0664)"},
		"of another user":             {0o600, 4242, 0, "belongs to user 4242, expected root"},
		"of another user, and wide":   {0o666, 4242, 4242, "belongs to user 4242, expected root"},
		"of this user, other's group": {0o600, 0, 4242, ""},
	} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, "text")
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if c.owner != 0 || c.group != 0 {
			if !root {
				continue
			}
			if err := os.Chown(path, c.owner, c.group); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		err = CheckShared(path, info)
		var shared *SharedError
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v", name, err)
		case c.want != "" && (!errors.As(err, &shared) || shared.Reason() != c.want || !strings.HasPrefix(err.Error(), path+": ")):
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	e := SharedError{Owner: 4242, Self: 1000}
	if e.Reason() != "belongs to user 4242, expected user 1000 or root" {
		t.Error(e.Reason())
	}
}
