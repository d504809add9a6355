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

// A coldStart is the result of starting many commands at once while nothing is cached: the number of calls to AWS,
// and the number of prompts for the MFA code.
type coldStart struct{ calls, prompts int }

func (c coldStart) missed() bool { return c.calls != 1 || c.prompts != 1 }

func (c coldStart) String() string {
	return fmt.Sprintf("Calls to AWS: %d. Prompts for the MFA code: %d.\n", c.calls, c.prompts)
}

// measureCold starts coldCommands commands at once. The setting mfa_process names a script that provides the MFA
// code. The script takes one second, which is less than a user needs to type the code. Each run of the script adds
// a line to a file, so that the runs can be counted.
func measureCold(p programs) (coldStart, error) {
	prompt, asked := filepath.Join(p.dir, "prompt"), filepath.Join(p.dir, "asked")
	h, err := newHome(p, "mfa_process = "+prompt+"\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n", fileKeystore)
	if err != nil {
		return coldStart{}, err
	}
	defer h.close()
	script := fmt.Sprintf("#!/bin/sh\necho >>%s\nsleep 1\necho %s\n", asked, h.world.MFA.Code())
	if err := os.WriteFile(prompt, []byte(script), 0o700); err != nil {
		return coldStart{}, err
	}
	var all sync.WaitGroup
	errs := make([]error, coldCommands)
	for i := range errs {
		all.Go(func() { errs[i] = h.run("", execAlice...) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return coldStart{}, err
	}
	lines, err := os.ReadFile(asked)
	return coldStart{calls: len(h.aws.Calls()), prompts: bytes.Count(lines, []byte("\n"))}, err
}
