package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"aws-vault/internal/fakeaws"
)

// A home is a user's, with a fake AWS of its own.
type home struct {
	b       *bencher
	aws     *fakeaws.AWS
	world   fakeaws.World
	dir     string
	environ []string
}

// kept are the variables that programs inherit: what they need to run at all.
var kept = []string{"PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC", "PATHEXT"}

// newHome makes a home whose keystore is the file keystore, or another that more names.
func (b *bencher) newHome(config string, more ...string) (*home, error) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.temp, "home-")
	if err != nil {
		return nil, err
	}
	w := aws.Example()
	h := &home{b: b, aws: aws, world: w, dir: dir}
	h.environ = append(h.environ,
		"HOME="+dir, "USERPROFILE="+dir, "LOCALAPPDATA="+filepath.Join(dir, "AppData"), "USER=alice", "USERNAME=alice",
		"AWS_ENDPOINT_URL="+aws.URL(), "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE="+passphrase)
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); slices.Contains(kept, strings.ToUpper(name)) {
			h.environ = append(h.environ, kv)
		}
	}
	h.environ = append(h.environ, more...)
	config = strings.NewReplacer("{serial}", w.MFA.Serial(), "{hub}", w.Hub, "{prod}", w.Prod, "{readonly}", w.ReadOnly).Replace(config)
	if err := os.Mkdir(filepath.Join(dir, ".aws"), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, ".aws", "config"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	return h, nil
}

// key stores Alice's key under a name.
func (h *home) key(name string) error {
	return h.run(h.world.Key.ID+"\n"+h.world.Key.Secret+"\n", "add", "--stdin", name)
}

// command is a run of aws-vault.
func (h *home) command(args ...string) *exec.Cmd {
	c := exec.CommandContext(h.b.ctx, h.b.program, args...)
	c.Env, c.Dir = h.environ, h.dir
	return c
}

// run runs aws-vault to its end.
func (h *home) run(stdin string, args ...string) error {
	c := h.command(args...)
	c.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("aws-vault %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return nil
}

// close ends the fake AWS, and leaves nothing of the home.
func (h *home) close() {
	h.aws.Close()
	os.RemoveAll(h.dir)
}
