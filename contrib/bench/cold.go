package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"aws-vault/internal/fakeaws"
)

func trusting(h *home) fakeaws.Role { return fakeaws.Role{Trusts: []string{h.world.Alice.ARN()}} }

// cold starts 20 commands at once where nothing is kept. The code comes from a program that
// notes each time it is asked, and takes a second: people take longer.
func (b *bencher) cold() (figure, error) {
	const at = 20
	h, err := b.newHome("")
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	if err := h.key("alice"); err != nil {
		return figure{}, err
	}
	codes, asked := filepath.Join(h.dir, "code"), filepath.Join(h.dir, "asked")
	script := "#!/bin/sh\necho asked >>" + asked + "\nsleep 1\ncat " + codes + "\n"
	program := filepath.Join(h.dir, "mfa")
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		return figure{}, err
	}
	if err := os.WriteFile(codes, []byte(h.world.MFA.Code()), 0o600); err != nil {
		return figure{}, err
	}
	config := bytes.NewBufferString("[profile alice]\nregion = eu-west-1\nmfa_serial = " + h.world.MFA.Serial() + "\nmfa_process = " + program + "\n")
	if err := os.WriteFile(filepath.Join(h.dir, ".aws", "config"), config.Bytes(), 0o600); err != nil {
		return figure{}, err
	}
	took, errs := make([]time.Duration, at), make([]error, at)
	var all sync.WaitGroup
	began := time.Now()
	for i := range took {
		all.Go(func() {
			errs[i] = h.command("exec", "alice", "--", truePath).Run()
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	for _, e := range errs {
		if e != nil {
			return figure{}, e
		}
	}
	slices.Sort(took)
	prompts, err := os.ReadFile(asked)
	if err != nil {
		return figure{}, err
	}
	calls, asks := len(h.aws.Calls()), bytes.Count(prompts, []byte("asked"))
	spread := ratio(took[at-1], took[0])
	return figure{
		here: fmt.Sprintf("%d call, %d prompt, first after %s, last after %s (%.1f×)", calls, asks, ms(took[0]), ms(took[at-1]), spread),
		met:  calls == 1 && asks == 1 && spread <= 1.3,
	}, nil
}

// call measures a call over TLS that nothing saves. The fake's root is put among the
// system's, in one file, as a distribution keeps them.
func (b *bencher) call() (figure, error) {
	h, err := b.newHome(plain + many(b.runs+2))
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	server, err := overTLS(h.aws)
	if err != nil {
		return figure{}, err
	}
	defer server.Close()
	roots, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return figure{}, err
	}
	roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
	bundle := filepath.Join(h.dir, "roots.pem")
	if err := os.WriteFile(bundle, roots, 0o600); err != nil {
		return figure{}, err
	}
	h.environ = append(h.environ, "AWS_ENDPOINT_URL="+server.URL, "AWS_CA_BUNDLE="+bundle)
	if err := h.key("alice"); err != nil {
		return figure{}, err
	}
	next := 0
	f, err := b.within(process("exec", func() *exec.Cmd {
		h.aws.AddRole(fmt.Sprintf("arn:aws:iam::123456789012:role/r%05d", next), trusting(h))
		next++
		return h.command("exec", fmt.Sprintf("p%05d", next-1), "--", truePath)
	}), 11*time.Millisecond)
	if err != nil {
		return figure{}, err
	}
	if calls := len(h.aws.Calls()); calls != b.runs+2 {
		return figure{}, fmt.Errorf("%d commands made %d calls", b.runs+2, calls)
	}
	return f, nil
}
