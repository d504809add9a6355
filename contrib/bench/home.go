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

// A home is a temporary home directory. It has its own fake AWS, and its keystore has alice's key.
type home struct {
	program string // the path of the aws-vault program
	dir     string
	config  string // the path of the config file
	environ []string
	aws     *fakeaws.AWS
	world   fakeaws.World
}

// newHome creates a home. It appends the argument text to the config file, after the settings of the profile
// alice.
func newHome(p programs, text string, keystore []string) (home, error) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		return home{}, err
	}
	h := home{program: p.vault, aws: aws, world: aws.Example()}
	if h.dir, err = os.MkdirTemp(p.dir, "home-"); err != nil {
		h.close()
		return home{}, err
	}
	h.config = filepath.Join(h.dir, "config")
	h.environ = append([]string{
		"HOME=" + h.dir, "PATH=" + os.Getenv("PATH"), "AWS_CONFIG_FILE=" + h.config, "AWS_ENDPOINT_URL=" + aws.URL(),
	}, keystore...)
	err = os.WriteFile(h.config, []byte("[profile alice]\nregion = eu-west-1\n"+text), 0o600)
	if err == nil {
		err = h.run(h.world.Key.ID+"\n"+h.world.Key.Secret+"\n", "add", "--stdin", "alice")
	}
	if err != nil {
		h.close()
	}
	return h, err
}

// roles returns the config file sections of the profile readonly and of additional profiles. The argument more is
// the number of additional profiles. Each profile has its own role.
func roles(more int) string {
	var s strings.Builder
	section := func(name string) {
		fmt.Fprintf(&s, "\n[profile %s]\nregion = eu-west-1\nsource_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/%s\n", name, name)
	}
	section("readonly")
	for i := range more {
		section(fmt.Sprintf("p%05d", i))
	}
	return s.String()
}

// session returns a copy of the home. The environment of the copy sets a role session name that contains the
// number. aws-vault caches a separate session for each name.
func (h home) session(number int) home {
	h.environ = append(slices.Clip(h.environ), fmt.Sprintf("AWS_ROLE_SESSION_NAME=s%05d", number))
	return h
}

// run runs aws-vault. The argument stdin is the text that aws-vault reads from its standard input.
func (h home) run(stdin string, args ...string) error {
	c := exec.Command(h.program, args...)
	c.Env, c.Dir, c.Stdin = h.environ, h.dir, strings.NewReader(stdin)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("aws-vault %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}

func (h home) close() {
	h.aws.Close()
	os.RemoveAll(h.dir)
}
