package doctor

import (
	"fmt"
	"io/fs"
	"time"

	"aws-vault/vault/disk"
)

// A File is a file or directory whose rights matter.
type File struct {
	Path    string
	Mode    fs.FileMode
	Owner   int  // user id; negative where the system knows none
	Private bool // nobody else may even read it
}

// Rights judges who may read and write, for the user self. What is root's is as safe as the
// machine, but private files that are not ours cannot be used.
func Rights(f File, self int) []Finding {
	if f.Owner < 0 {
		return nil
	}
	var all []Finding
	if f.Owner != self && (f.Owner != 0 || f.Private) {
		all = append(all, Finding{
			Severity: Error, Where: f.Path, What: fmt.Sprintf("belongs to user %d, want user %d", f.Owner, self),
			Remedy: "give it to the user who runs aws-vault, with chown",
		})
	}
	wrong, what, to := fs.FileMode(0o022), "others may write to it", "go-w"
	if f.Private {
		wrong, what, to = 0o077, "others may use it", "go="
	}
	shared := f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0 // where nobody can replace another's file
	if f.Mode.Perm()&wrong != 0 && !shared {
		all = append(all, Finding{
			Severity: Warning, Where: f.Path, What: fmt.Sprintf("%s (mode %04o)", what, f.Mode.Perm()),
			Remedy: fmt.Sprintf("chmod %s %s", to, f.Path),
		})
	}
	return all
}

// leftAfter is how long a file that is being written may take; one that is older was left by
// a process that was killed.
const leftAfter = time.Hour

// Leftover judges a file by its name and the time of its last writing.
func Leftover(dir, name string, age time.Duration) []Finding {
	path := dir + "/" + name
	switch {
	case disk.IsTemp(name) && age >= leftAfter:
		return []Finding{{Severity: Note, Where: path, What: "was left by a process that was killed", Remedy: "rm " + path}}
	case disk.IsCopy(name):
		return []Finding{{Severity: Warning, Where: path, What: "is an old copy of a file that could not be written at once, with all that stood in it", Remedy: "see that the file itself is whole, then: rm " + path}}
	}
	return nil
}
