package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build compiles a program of one file as aws-vault is released: stripped and static.
func (b *bencher) build(name, text string) (string, error) {
	dir := filepath.Join(b.temp, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for file, text := range map[string]string{"main.go": text, "go.mod": "module " + name + "\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	out := filepath.Join(dir, name)
	c := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build of %s: %w: %s", name, err, said)
	}
	return out, nil
}
