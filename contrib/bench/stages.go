package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// stages says where the time of a warm exec goes: each stage is what one program of a race takes
// longer than another that does all but that.
func (b *bencher) stages() (string, error) {
	h, err := b.warmHome(plain, "alice")
	if err != nil {
		return "", err
	}
	defer h.close()
	derive, err := h.derivation()
	if err != nil {
		return "", err
	}
	t, err := b.race(b.runs, yes(), b.emptyGo(),
		process("becomes", command(nil, b.becomes, truePath)), process("web", command(nil, b.web, truePath)),
		process("version", command(h.environ, b.program, "--version")), h.exec("alice"), act("derivation", derive))
	if err != nil {
		return "", err
	}
	at := func(name string) time.Duration { return t[name].median() }
	all := []struct {
		what string
		took time.Duration
	}{
		{"`true`, which it becomes", at("true")},
		{"the Go runtime: a Go program that becomes `true`, less `true`", at("becomes") - at("true")},
		{"net/http: the same program with it linked in", at("web") - at("becomes")},
		{"what else is linked in, and the flags: `--version`, less a Go program with net/http that ends", at("version") - at(emptyGo) - (at("web") - at("becomes"))},
		{"one derivation from the passphrase, as aws-vault 7 reads it", at("derivation")},
	}
	rest := at("exec")
	for _, s := range all {
		rest -= s.took
	}
	all = append(all, struct {
		what string
		took time.Duration
	}{"the rest: the config file, the plan, the key's stamp, opening the session", rest})
	var text strings.Builder
	text.WriteString("| what | time |\n|---|---|\n")
	for _, s := range all {
		fmt.Fprintf(&text, "| %s | %s |\n", s.what, ms(s.took))
	}
	fmt.Fprintf(&text, "| all: `exec`, warm session, file keystore | %s |\n", ms(at("exec")))
	os.Stdout.WriteString(text.String())
	return text.String(), nil
}
