package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A figure is what a row of the table was measured at.
type figure struct {
	here    string
	met     bool
	skipped bool // it could not be measured, and here says why

	// These are of what was timed again and again, and zero for the rest.
	took         time.Duration // the median
	ofTrue, ofGo float64       // in the time of true, and of a Go program that does nothing
	half         string        // where the middle half of all times lies
}

// A row is one thing that a user waits for, with what it may take.
type row struct {
	what  string
	seven string // aws-vault 7.2 and its fork, on another machine of this class
	limit string
	take  func(*bencher) (figure, error)
}

// rows are in the order of the table.
var rows = []row{
	{"`--version`", "3.5 / 4.7 ms (4.2× / 5.6×)", "≤ 3.2 ms at 0.8 ms for `true`: 4×", (*bencher).version},
	{"`exec`, warm session, file keystore", "6.7 / 8.1 ms (8.7× / 10×)", "≤ 5.5×", warm("alice", 5.5)},
	{"`exec` of a role, session kept", "20.6 / 21.9 ms, a call each", "no call, ≤ 6×", warm("readonly", 6)},
	{"`exec`, warm session, sealed keystore, unlocked", "–", "≤ 4.5×, 1.6× faster than 7.2 with files", unlocked(4.5)},
	{"`export --format=json`, warm, 8 at a time", "298 / 252 a second", "≥ 450 a second", (*bencher).parallel},
	{"an STS call that nothing saves, over TLS", "18.8 ms", "≤ 11 ms", (*bencher).call},
	{"Secret Service, `exec` of a role, credential and session", "17.9 / 20.9 ms, 29 D-Bus calls", "≤ 8 D-Bus calls", (*bencher).secretService},
	{"config of 5,000 profiles, `exec`", "51 ms", "≤ 9 ms", profiles(5_000, 9*time.Millisecond)},
	{"config of 20,000 profiles, `exec`", "381 ms", "≤ 30 ms", profiles(20_000, 30*time.Millisecond)},
	{"`list`, 1,000 profiles and 1,000 sessions", "3,205 / 1,113 ms", "≤ 40 ms", (*bencher).list},
	{"completion, 5,000 profiles", "207 / 253 ms", "≤ 20 ms", (*bencher).completion},
	{"resident memory of `exec`", "8.5–23 MB", "≤ 12 MB", (*bencher).memory},
	{"20 commands at once, nothing kept, a second for the code", "20 calls, 20 prompts", "1 call, 1 prompt, the last done within 1.3× of the first", (*bencher).cold},
	{"credentials from the ECS endpoint, 64 connections, beside a bare handler of net/http", "20–27k a second, 8–13 ms", "≥ 0.7× its requests a second, ≤ 1.5× its 99th percentile", (*bencher).endpoint},
	{"binary, stripped, static", "12.1 / 29.8 MB", "≤ 16 MB", (*bencher).size},
	{"first `exec` with a locked store, passphrase given, sealed keystore", "–", "measured", (*bencher).firstSealed},
	{"first `exec` with a passphrase, file keystore", "–", "measured", (*bencher).firstFile},
}

const plain = `[profile alice]
region = eu-west-1

[profile readonly]
region         = eu-west-1
source_profile = alice
role_arn       = {readonly}
`

// table measures all rows and writes them as Markdown.
func (b *bencher) table() (string, error) {
	var t strings.Builder
	t.WriteString("| what | 7.2 / fork | wanted | here | half of all runs | of `true` | of an empty Go program | met |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		f, err := r.take(b)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.what, err)
		}
		line := "| " + strings.Join(append([]string{r.what, r.seven, r.limit}, f.cells()...), " | ") + " |\n"
		t.WriteString(line)
		os.Stdout.WriteString(line)
	}
	return t.String(), nil
}

// notMeasured is the figure of a row that takes a program which is not installed here.
func notMeasured(program string) figure {
	return figure{here: "not measured: no " + program + " in PATH", skipped: true}
}

func (f figure) cells() []string {
	half, ofTrue, ofGo, met := "–", "–", "–", "no"
	if f.took > 0 {
		half, ofTrue, ofGo = f.half, fmt.Sprintf("%.1f×", f.ofTrue), fmt.Sprintf("%.1f×", f.ofGo)
	}
	switch {
	case f.skipped:
		met = "–"
	case f.met:
		met = "yes"
	}
	return []string{f.here, half, ofTrue, ofGo, met}
}
