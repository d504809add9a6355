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
	Owner   int  // user ID; negative if the system has none
	Private bool // whether other users must not read it
}

// CheckPermissions checks the owner and the permissions of a file for the user self. Files of root
// are as safe as the machine, but private files of another user cannot be used.
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
	// a sticky directory, in which users cannot replace the files of others
	shared := f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0
	if f.Mode.Perm()&wrong != 0 && !shared {
		all = append(all, Finding{
			Severity: Warning, Where: f.Path, What: fmt.Sprintf("%s (mode %04o)", what, f.Mode.Perm()),
			Remedy: fmt.Sprintf("chmod %s %s", to, f.Path),
		})
	}
	return all
}

// abandonedAfter is the maximum time for writing a file. An older temporary file was left by a
// process that was killed.
const abandonedAfter = time.Hour

// CheckLeftover checks the name and the age of a file for leftovers of aws-vault.
func CheckLeftover(dir, name string, age time.Duration) []Finding {
	path := dir + "/" + name
	switch {
	case disk.IsTemp(name) && age >= abandonedAfter:
		return []Finding{{Severity: Note, Where: path, What: "was left by a process that was killed", Remedy: "rm " + path}}
	case disk.IsCopy(name):
		return []Finding{{Severity: Warning, Where: path, What: "has the complete old content of a file that could not be replaced atomically", Remedy: "check that the file itself is complete, then run: rm " + path}}
	}
	return nil
}
