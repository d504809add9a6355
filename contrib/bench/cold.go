package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

const coldCommands = 20

// A cold is what many commands at once did, when nothing was cached.
type cold struct{ calls, prompts int }

func (c cold) missed() bool { return c.calls != 1 || c.prompts != 1 }

func (c cold) String() string {
	return fmt.Sprintf("Calls to AWS: %d. Prompts for the MFA code: %d.\n", c.calls, c.prompts)
}

// measureCold starts all commands at once. A program answers the prompt after a second, as a user
// takes longer than a program, and writes a line each time.
func measureCold(p programs) (cold, error) {
	prompt, asked := filepath.Join(p.dir, "prompt"), filepath.Join(p.dir, "asked")
	h, err := newHome(p, "mfa_process = "+prompt+"\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n", fileKeystore)
	if err != nil {
		return cold{}, err
	}
	defer h.close()
	script := fmt.Sprintf("#!/bin/sh\necho >>%s\nsleep 1\necho %s\n", asked, h.world.MFA.Code())
	if err := os.WriteFile(prompt, []byte(script), 0o700); err != nil {
		return cold{}, err
	}
	var all sync.WaitGroup
	errs := make([]error, coldCommands)
	for i := range errs {
		all.Go(func() { errs[i] = h.run("", execAlice...) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return cold{}, err
	}
	lines, err := os.ReadFile(asked)
	return cold{calls: len(h.aws.Calls()), prompts: bytes.Count(lines, []byte("\n"))}, err
}
