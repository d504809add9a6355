package cli

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// browse opens a page with the system's own opener.
func browse(page string) error {
	argv, err := opener(exec.LookPath)
	if err != nil {
		return err
	}
	return start(append(argv, page))
}

// start starts a program of the desktop's, which is neither waited for nor told what opens
// the vault. What it prints is not the user's concern.
func start(argv []string) error {
	c := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	c.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(scrubbed, func(s string) bool { return sameVariable(s, name) })
	})
	if err := c.Start(); err != nil {
		return err
	}
	go c.Wait()
	return nil
}
