//go:build unix

package keystore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/program"
)

const passBackend = "pass"

// Limits for the standard error of pass, in bytes. At most maxPassStderr bytes are read, and an error contains at
// most the last maxPassMessage bytes.
const (
	maxPassStderr  = 8 << 10
	maxPassMessage = 200
)

// openPass opens the store of pass, a program that uses gpg to store each secret in an encrypted file.
// https://www.passwordstore.org/
func openPass(_ context.Context, c Config) (*Keystore, error) {
	path, err := exec.LookPath(cmp.Or(c.PassCmd, "pass"))
	if err != nil {
		return nil, &UnavailableError{Backend: passBackend, Reason: err.Error()}
	}
	dir, err := c.passDir()
	if err != nil {
		return nil, &UnavailableError{Backend: passBackend, Reason: err.Error()}
	}
	if _, err := os.Stat(filepath.Join(dir, recipients)); err != nil {
		return nil, &UnavailableError{Backend: passBackend, Reason: "no password store is initialized in " + dir}
	}
	if err := checkPath(c.PassPrefix); c.PassPrefix != "" && err != nil {
		return nil, err
	}
	c.catchSignals()
	store := passRing{programs: c.Programs, program: path, dir: dir, prefix: c.PassPrefix}
	privateItems := passRing{programs: c.Programs, program: path, privateDir: c.privateDir(passBackend, filepath.Join(dir, c.PassPrefix)), userStore: &store}
	privateItems.dir = privateItems.privateDir.Path()
	return &Keystore{Name: passBackend, Keys: store, Private: privateRing{ring: privateItems, location: privateItems.dir}}, nil
}

func (c Config) passDir() (string, error) {
	dir := c.PassDir
	if dir == "" {
		dir, _ = c.env("PASSWORD_STORE_DIR")
	}
	return c.absolute(cmp.Or(dir, filepath.Join("~", ".password-store")))
}

// A passRing is a folder of a password store.
type passRing struct {
	programs *program.Starter
	program  string
	dir      string
	prefix   string

	// The next two fields are set only in the ring of the private items. privateDir is a second password store, in
	// the state folder. It has the same gpg recipients as userStore, the user's own store. The ring of the user's
	// own store has no privateDir, because that store may contain symbolic links, which a disk.Folder does not
	// follow.
	privateDir *disk.Folder
	userStore  *passRing
}

// checkPath returns a *NameError for names that would lead out of the folder.
func checkPath(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	for step := range strings.SplitSeq(name, "/") {
		if step == "." || step == ".." {
			return &NameError{Name: name, Reason: "leads out of its folder"}
		}
	}
	return nil
}

// entry returns the name under which pass stores the item called name, and the path of the item's file.
func (r passRing) entry(name string) (entry, path string, err error) {
	if err := checkPath(name); err != nil {
		return "", "", err
	}
	entry = filepath.Join(r.prefix, name)
	if disk.IsTemp(filepath.Base(entry)) {
		return "", "", &NameError{Name: name, Reason: "is reserved for temporary entries"}
	}
	return entry, filepath.Join(r.dir, entry) + ".gpg", nil
}

// find returns the results of the method entry. It returns ErrNotFound if the item does not exist.
func (r passRing) find(ctx context.Context, name string) (entry, path string, err error) {
	if entry, path, err = r.entry(name); err != nil {
		return "", "", err
	}
	if err := context.Cause(ctx); err != nil {
		return "", "", err
	}
	if r.userStore != nil {
		_, err = r.privateDir.Stat(filepath.Base(path)) // unlike pass, Stat does not follow symbolic links
	} else {
		_, err = os.Stat(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	return entry, path, err
}

func (r passRing) Item(ctx context.Context, name string) (Item, error) {
	entry, _, err := r.find(ctx, name)
	if err != nil {
		return Item{}, err
	}
	content, err := r.run(ctx, nil, "show", entry)
	if err != nil {
		return Item{}, err
	}
	it, err := decodePayload(content)
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: r.dir, Err: err}
	}
	it.Name = name
	return it, nil
}

// Put makes pass encrypt the item to a temporary entry, and then renames the file of that entry. This makes the
// write atomic, whereas gpg would overwrite the old file in place. If the store is in a git repository, Put makes
// pass write the final entry directly, because pass commits each change.
func (r passRing) Put(ctx context.Context, it Item) error {
	entry, path, err := r.entry(it.Name)
	if err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := r.copyRecipients(); err != nil {
		return err
	}
	content := encodePayload(it)
	if r.userStore == nil && underGit(r.dir) {
		_, err := r.run(ctx, content, "insert", "-m", "-f", entry)
		return err
	}
	temp := filepath.Join(filepath.Dir(entry), disk.TempName())
	sealed := filepath.Join(r.dir, temp) + ".gpg"
	defer os.Remove(sealed)
	if _, err := r.run(ctx, content, "insert", "-m", "-f", temp); err != nil {
		return err
	}
	data, err := disk.ReadBounded(sealed, maxItemFile)
	if err != nil {
		return err
	}
	if r.userStore != nil {
		return r.privateDir.Write(filepath.Base(path), data)
	}
	return disk.Replace(path, data, 0o600)
}

func (r passRing) Remove(ctx context.Context, name string) error {
	entry, _, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	_, err = r.run(ctx, nil, "rm", "-f", entry)
	return err
}

func (r passRing) Names(ctx context.Context) ([]string, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	root, err := filepath.EvalSymlinks(filepath.Join(r.dir, r.prefix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir // skip .git and other hidden folders
		}
		base, ok := strings.CutSuffix(d.Name(), ".gpg")
		if !ok || !d.Type().IsRegular() || disk.IsTemp(base) {
			return nil
		}
		name, err := filepath.Rel(root, strings.TrimSuffix(path, ".gpg"))
		names = append(names, name)
		return err
	})
	slices.Sort(names)
	return names, err
}

// Stamp returns a digest of the item's file. The file changes at every write, because gpg uses a new session key
// each time.
func (r passRing) Stamp(ctx context.Context, name string) (string, error) {
	_, path, err := r.find(ctx, name)
	if err != nil {
		return "", err
	}
	data, err := disk.ReadBounded(path, maxItemFile)
	if err != nil {
		return "", err
	}
	return digest(string(data)), nil
}

// Check never prompts, because encryption needs only public keys.
func (r passRing) Check(ctx context.Context) error { return context.Cause(ctx) }

// run runs pass with content on its standard input and returns its standard output. Secrets are never passed as
// arguments.
func (r passRing) run(ctx context.Context, content []byte, verb string, args ...string) ([]byte, error) {
	ctx, err := r.programs.PreventRecursion(ctx, "pass-"+verb+"-"+digest(filepath.Join(r.dir, args[len(args)-1])))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", filepath.Base(r.program), verb, err)
	}
	if last := len(args) - 1; strings.HasPrefix(args[last], "-") {
		args = slices.Insert(args, last, "--")
	}
	cmd := r.programs.Command(ctx, nil, r.program, append([]string{verb}, args...)...)
	cmd.WaitDelay = time.Second // pass is a shell script, and its child processes may keep the pipes open
	cmd.Env = append(cmd.Env, "PASSWORD_STORE_DIR="+r.dir)
	if r.userStore != nil {
		// The state folder may be in a git repository, for example if the home directory is one. Without this
		// variable, pass would commit to that repository.
		cmd.Env = append(cmd.Env, "GIT_CEILING_DIRECTORIES="+filepath.Dir(r.dir))
	}
	if content != nil {
		cmd.Stdin = bytes.NewReader(content)
	}
	stdout, stderr := &program.Output{Limit: maxItemFile}, &program.Output{Limit: maxPassStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err = cmd.Run(); errors.Is(err, exec.ErrWaitDelay) {
		err = nil // pass succeeded, but a child process still has the pipes open
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		message := strings.Join(strings.Fields(stderr.String()), " ")
		message = strings.ToValidUTF8(message[max(0, len(message)-maxPassMessage):], "")
		return nil, cmd.WrapError(fmt.Errorf("%s %s %q: %w: %s", filepath.Base(r.program), verb, args[len(args)-1], err, message))
	}
	return stdout.Bytes(), nil
}
