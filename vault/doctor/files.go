package doctor

import (
	"fmt"
	"io/fs"
	"time"

	"aws-vault/vault/disk"
)

// A File is a file or directory whose permissions are checked.
type File struct {
	Path    string
	Mode    fs.FileMode
	Owner   int  // user ID of the owner; negative if the system has no user IDs
	Private bool // whether the file must not be readable by other users
}

// CheckPermissions checks the owner and the permissions of a file. The argument self is the ID of the user who
// runs aws-vault. A file that root owns is accepted, because root can change all files anyway. But a private file
// that root owns is reported, because the user cannot read it.
func CheckPermissions(f File, self int) []Finding {
	if f.Owner < 0 {
		return nil
	}
	var all []Finding
	if f.Owner != self && (f.Owner != 0 || f.Private) {
		all = append(all, Finding{
			Severity: Error, Where: f.Path, What: fmt.Sprintf("belongs to user %d, expected user %d", f.Owner, self),
			Remedy: "make the user who runs aws-vault its owner, with chown",
		})
	}
	wrong, what, to := fs.FileMode(0o022), "other users can write to it", "go-w"
	if f.Private {
		wrong, what, to = 0o077, "other users can access it", "go="
	}
	// In a sticky directory, users cannot replace the files of other users.
	shared := f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0
	if f.Mode.Perm()&wrong != 0 && !shared {
		all = append(all, Finding{
			Severity: Warning, Where: f.Path, What: fmt.Sprintf("%s (mode %04o)", what, f.Mode.Perm()),
			Remedy: fmt.Sprintf("chmod %s %s", to, f.Path),
		})
	}
	return all
}

// abandonedAfter is the longest time that writing a file can take. If a temporary file is older, the
// process that wrote the file was killed.
const abandonedAfter = time.Hour

// CheckLeftover returns a finding if a file was left behind by aws-vault. It checks the file's name and age.
func CheckLeftover(dir, name string, age time.Duration) []Finding {
	path := dir + "/" + name
	switch {
	case disk.IsTemp(name) && age >= abandonedAfter:
		return []Finding{{Severity: Note, Where: path, What: "was left by a process that was killed", Remedy: "rm " + path}}
	case disk.IsCopy(name):
		return []Finding{{Severity: Warning, Where: path, What: "is a backup of a file that could not be replaced in one step", Remedy: "check that the file itself is complete, then run: rm " + path}}
	}
	return nil
}
