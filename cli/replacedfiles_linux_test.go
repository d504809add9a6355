//go:build amd64 || arm64

package cli_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aws-vault/vault/disk"
)

// ourFolders lists the folders of aws-vault in the home directory.
var ourFolders = []string{".local/state/aws-vault", ".awsvault/keys", ".local/share/aws-vault/sealed"}

// anotherUser is the user id of the other user who owns a replaced file.
const anotherUser = 4242

// A replacement replaces a file in one of our folders with something that aws-vault must refuse. It returns a path that
// aws-vault must neither read nor write, or an empty string.
type replacement func(t *testing.T, path, outside string) (forbidden string)

// replacements lists the kinds of replacements. "link" moves the original file out of the folder, and replaces the
// file with a link to its new path. If the program followed the link, the program would work as before, and the
// test would detect the access to the file.
var replacements = map[string]replacement{
	"link": func(t *testing.T, path, outside string) string {
		target := filepath.Join(outside, "target")
		if err := os.Rename(path, target); errors.Is(err, os.ErrNotExist) {
			fatalIf(t, os.WriteFile(target, []byte("precious\n"), 0o600))
		} else {
			fatalIf(t, err)
		}
		fatalIf(t, os.Symlink(target, path))
		return outside
	},
	"dangling link": func(t *testing.T, path, outside string) string {
		fatalIf(t, os.RemoveAll(path))
		fatalIf(t, os.Symlink(filepath.Join(outside, "target"), path))
		return outside
	},
	"pipe": func(t *testing.T, path, _ string) string {
		fatalIf(t, os.RemoveAll(path))
		fatalIf(t, unix.Mkfifo(path, 0o600))
		return ""
	},
	"device": func(t *testing.T, path, _ string) string {
		needRoot(t)
		fatalIf(t, os.RemoveAll(path))
		fatalIf(t, unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 9)))) // the device /dev/urandom
		return ""
	},
	"file of another user": func(t *testing.T, path, _ string) string {
		needRoot(t)
		if _, err := os.Lstat(path); err != nil {
			fatalIf(t, os.WriteFile(path, []byte("precious\n"), 0o600))
		}
		fatalIf(t, filepath.WalkDir(path, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, anotherUser, anotherUser))
		}))
		return path
	},
}

func fatalIf(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can create a device, or give a file to another user")
	}
}

// A fileCommand is a command line and the paths in our folders that it accesses. The field "before" contains the
// path of a copy of the home directory. The copy was made before the command ran.
type fileCommand struct {
	line   string
	paths  []string
	before string
}

// TestReplacedFiles runs commands and records which paths in our folders they access. It replaces each of these paths,
// one at a time, with a link, a pipe, a device or another user's file, and runs the command again. The command must not
// access the target of a link, must not hang, and must print an error that contains the path.
func TestReplacedFiles(t *testing.T) {
	h := newTracedHome(t, "AWS_VAULT_SEALED_PASSPHRASE=correct horse")
	key := h.aws.Example().Key
	h.environ = append(h.environ, "AWS_ACCESS_KEY_ID="+key.ID, "AWS_SECRET_ACCESS_KEY="+key.Secret)
	commands := h.fileCommands(t)
	seen := map[string]bool{}
	for _, c := range commands {
		for _, path := range c.paths {
			if seen[path] {
				continue // an earlier command has tested this path
			}
			seen[path] = true
			for kind, replace := range replacements {
				t.Run(kind+" at "+path, func(t *testing.T) { h.checkReplaced(t, c, path, replace) })
			}
		}
	}
	for _, want := range []string{
		"locks", "locks/session-", "locks/index", "locks/device-", "private/", "generations/", "codes/", "serve/", ".json", ".token", "identities/", "last-keystore",
		"/sessions", "/swept-sessions", ".awsvault/keys/alice",
	} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(path string) bool { return strings.Contains(path, want) }) {
			t.Errorf("no command accesses %s", want)
		}
	}
}

// fileCommands runs commands in a home directory, one after the other. It returns each command with the paths it
// accesses.
func (h tracedHome) fileCommands(t *testing.T) []fileCommand {
	t.Helper()
	world := h.aws.Example()
	config, err := os.OpenFile(filepath.Join(h.dir, ".aws", "config"), os.O_APPEND|os.O_WRONLY, 0)
	fatalIf(t, err)
	_, err = fmt.Fprintf(config, "[profile coded]\nsource_profile = alice\nmfa_serial = %s\nrole_arn = %s\n", world.MFA.Serial(), world.Hub)
	fatalIf(t, errors.Join(err, config.Close()))
	lines := []string{
		"exec --no-session cold -- tool",
		"exec r -- tool",
		"exec coded --mfa-token " + world.MFA.Code() + " -- tool",
		"add --env alice",
		"list",
		"identity init me --software --issuer https://id.example.com --subject me@example.com --dir " + filepath.Join(h.dir, "site"),
		"identity show me",
		"serve --status",
		"clear r",
		"doctor --offline",
		"remove --force alice",
	}
	if ok, err := condition("waits"); ok {
		h.run(t, "sealed init --without-recovery")
		h.run(t, "unlock")
		t.Cleanup(func() { h.run(t, "lock") })
		lines = append(lines, "--backend=sealed add --env other", "--backend=sealed list", "--backend=sealed remove --force other")
	} else {
		t.Logf("the sealed keystore is not tested, because the kernel keyring is not available: %v", err)
	}
	h.killedServer(t)
	var all []fileCommand
	for _, line := range lines {
		before := filepath.Join(t.TempDir(), "before")
		copyTree(t, h.dir, before)
		all = append(all, fileCommand{line, h.accessedPaths(t, line), before})
	}
	return all
}

// killedServer starts a server and kills it, so that the files of the server stay in the state folder.
func (h tracedHome) killedServer(t *testing.T) {
	t.Helper()
	serve := exec.Command(os.Args[0], "serve", "r")
	serve.Env = h.environ
	out, err := serve.StdoutPipe()
	fatalIf(t, err)
	fatalIf(t, serve.Start())
	_, err = out.Read(make([]byte, 1)) // the server is registered when it prints its first output
	fatalIf(t, errors.Join(err, serve.Process.Kill()))
	serve.Wait()
}

// accessedPaths returns the paths in our folders that a command accesses, relative to the home directory.
func (h tracedHome) accessedPaths(t *testing.T, line string) []string {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	fatalIf(t, err)
	defer out.Close()
	acts, _ := tracedToEnd(t, out, h.environ, append([]string{os.Args[0]}, strings.Fields(line)...)...)
	var paths []string
	for _, a := range acts {
		rel, _ := strings.CutPrefix(a.of, h.dir+"/")
		inside := slices.ContainsFunc(ourFolders, func(f string) bool { return strings.HasPrefix(rel, f+"/") })
		if inside && !disk.IsTemp(filepath.Base(rel)) && !slices.Contains(paths, rel) {
			paths = append(paths, rel)
		}
	}
	return paths
}

// checkReplaced replaces a path, runs the command again, and checks that the command refuses the path.
func (h tracedHome) checkReplaced(t *testing.T, c fileCommand, path string, replace replacement) {
	fatalIf(t, os.RemoveAll(h.dir))
	copyTree(t, c.before, h.dir)
	outside := t.TempDir()
	fatalIf(t, os.MkdirAll(filepath.Dir(filepath.Join(h.dir, path)), 0o700))
	forbidden := replace(t, filepath.Join(h.dir, path), outside)
	before := tree(t, forbidden)
	watch := newWatch(t, forbidden)

	output := h.output(t, c.line)
	if name := "~/" + path + ": "; !strings.Contains(output, name) {
		if !ignoresPath(c.line, path) {
			t.Errorf("%s: no error names the path:\n%s", c.line, output)
		} else if output := h.output(t, "doctor --offline"); !strings.Contains(output, name) {
			t.Errorf("doctor does not name the path:\n%s", output)
		}
	}
	for _, event := range watch.events(t) {
		t.Errorf("%s: %s", c.line, event)
	}
	if after := tree(t, forbidden); after != before {
		t.Errorf("%s: the forbidden files changed from\n%sto\n%s", c.line, before, after)
	}
}

// ignoresPath reports whether a command may continue without a path that it cannot use. doctor must report such a path.
func ignoresPath(line, path string) bool {
	switch file := filepath.Base(path); {
	case file == "swept-sessions": // without this file, a command only skips the removal of expired sessions
		return true
	case file == "sessions": // add works without the index
		return strings.Contains(line, " add ")
	case strings.HasSuffix(file, ".token"): // the server of this token file was killed, so no command needs the file
		return true
	case strings.Contains(path, "/private/"):
		// The command "identity init" creates a new file with a random name. The command "remove --force" refuses a
		// key whose rotation was interrupted, and does not open the record of the rotation.
		return strings.HasPrefix(line, "identity init") || strings.HasPrefix(line, "remove --force")
	}
	return false
}

// output runs a command line, and returns its output. A command that hangs is killed after a minute.
func (h tracedHome) output(t *testing.T, line string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, os.Args[0], strings.Fields(line)...)
	c.Env = h.environ
	out, _ := c.CombinedOutput()
	if ctx.Err() != nil {
		t.Errorf("%s: the command hangs", line)
	}
	return string(out)
}

// copyTree copies a directory with the modes and owners of all files.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// tree returns one line for a file, or one line for each entry of a directory tree. A line shows the metadata of an
// entry, such as its owner, size and modification time.
func tree(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	if path == "" {
		return ""
	}
	fatalIf(t, filepath.WalkDir(path, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %o %d %d %d %v\n", path, st.Mode, st.Uid, st.Size, st.Nlink, st.Mtim)
		return nil
	}))
	return b.String()
}

// A watch records how files are accessed.
// https://man7.org/linux/man-pages/man7/inotify.7.html
type watch struct{ fd int }

// newWatch watches one file, or a directory and everything in it. It does not record when a file is opened, because
// aws-vault must open a file to find out for certain which user owns the file.
func newWatch(t *testing.T, path string) watch {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	fatalIf(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	if path == "" {
		return watch{fd}
	}
	masks := map[string]uint32{}
	fatalIf(t, filepath.WalkDir(path, func(at string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		masks[at] = unix.IN_ACCESS | unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
		if e.IsDir() {
			masks[at] |= unix.IN_OPEN | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO
		}
		return nil
	}))
	for at, mask := range masks { // add the watches after the walk, because the walk itself reads the directories
		_, err := unix.InotifyAddWatch(fd, at, mask)
		fatalIf(t, err)
	}
	return watch{fd}
}

// events returns the accesses that were recorded so far.
func (w watch) events(t *testing.T) []string {
	t.Helper()
	b := make([]byte, 64<<10)
	n, err := unix.Read(w.fd, b)
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	fatalIf(t, err)
	var all []string
	for b = b[:n]; len(b) >= unix.SizeofInotifyEvent; {
		mask, size := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size]), "\x00")
		all = append(all, fmt.Sprintf("event %#x of %q", mask, name))
		b = b[unix.SizeofInotifyEvent+size:]
	}
	return all
}
