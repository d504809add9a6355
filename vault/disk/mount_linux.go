package disk

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxMounts limits the size of the kernel's list of mounts, in bytes.
const maxMounts = 8 << 20

// mountReason returns why the system reports another owner, or a mode that lets other users change the file,
// although the file at path is the user's own. It returns an empty string if the file's mount does not explain
// this.
func mountReason(path string, e *SharedError) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return ""
	}
	list, err := ReadText("/proc/self/mountinfo", maxMounts)
	if err != nil {
		return ""
	}
	return explainOwner(list, path, e.Mode)
}

// explainOwner returns the same reason as mountReason. The parameter list is the kernel's list of mounts, and mode
// is the mode of the file.
func explainOwner(list, path string, mode fs.FileMode) string {
	file, root := findMount(list, path), findMount(list, "/")
	switch {
	case file.isWindowsDrive():
		return "on a Windows drive, whose files all have the same owner and mode"
	case root.kind == "overlay" && file.isIntoContainer(mode.Perm()&0o022 == 0):
		return "mounted into this container from its host, whose user IDs differ"
	}
	return ""
}

// A mount is a line of the kernel's list of mounts.
// https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
type mount struct {
	root    string // path of the mounted directory or file in its file system
	point   string // path where it is mounted
	kind    string // type of the file system, such as ext4
	source  string
	options []string
}

// isWindowsDrive reports whether m is a drive of Windows in WSL.
// https://learn.microsoft.com/en-us/windows/wsl/file-permissions
func (m mount) isWindowsDrive() bool {
	switch m.kind {
	case "drvfs": // WSL 1
		return true
	case "9p", "virtiofs": // WSL 2
		return strings.HasPrefix(m.source, "drvfs") || slices.ContainsFunc(m.options, func(o string) bool { return strings.HasPrefix(o, "aname=drvfs") })
	}
	return false
}

// isIntoContainer reports whether m mounts the host's files into a container, so that the mount explains the owner
// and the mode of a file. Docker Desktop has its own file systems, which invent owners and modes. On a Linux host,
// the container mounts a part of one of the host's file systems, and the modes are real. If other users can write
// to the file, such a mount does not explain the mode, and the result is false.
func (m mount) isIntoContainer(othersCannotWrite bool) bool {
	switch m.kind {
	case "9p", "virtiofs", "fakeowner", "fuse.grpcfuse", "fuse.osxfs", "osxfs":
		return m.point != "/"
	}
	return m.point != "/" && m.root != "/" && othersCannotWrite
}

// findMount returns the mount that contains path, or the zero mount if the list has none. The path must be absolute and
// without symbolic links.
func findMount(list, path string) mount {
	var found mount
	for line := range strings.Lines(list) {
		m, ok := parseMount(line)
		if !ok || len(m.point) < len(found.point) { // of two mounts at one point, the later one is visible
			continue
		}
		if m.point == path || strings.HasPrefix(path, strings.TrimSuffix(m.point, "/")+"/") {
			found = m
		}
	}
	return found
}

func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	a, b := strings.Fields(before), strings.Fields(after)
	if !ok || len(a) < 6 || len(b) < 3 || !strings.HasPrefix(a[4], "/") {
		return mount{}, false
	}
	options := strings.FieldsFunc(b[2], func(r rune) bool { return r == ',' || r == ';' })
	return mount{root: unescapeMount(a[3]), point: unescapeMount(a[4]), kind: b[0], source: unescapeMount(b[1]), options: options}, true
}

// unescapeMount replaces the kernel's escape sequences for blanks and backslashes, such as \040.
func unescapeMount(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
