package cli

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// browse opens a page with the system's own opener, which is neither waited for nor told
// what opens the vault. What it prints is not the user's concern.
func browse(page string) error {
	argv, err := opener(exec.LookPath)
	if err != nil {
		return err
	}
	c := exec.CommandContext(context.Background(), argv[0], append(argv[1:], page)...)
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
