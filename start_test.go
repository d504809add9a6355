package main

import (
	"fmt"
	goversion "go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"aws-vault/vault/card/piv"
)

// An initialised package has code that runs at every start of the program, whatever it does.
type initialised struct {
	name               string
	bytes, allocations int
}

// initialisers builds the program as a release is built, with hardware keys if this test has them, and returns what it
// initialises before main, as the runtime tells it.
// https://pkg.go.dev/runtime#hdr-Environment_Variables
func initialisers(t *testing.T) []initialised {
	t.Helper()
	program := filepath.Join(t.TempDir(), "aws-vault.exe")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program)
	if piv.Supported {
		build.Args = append(build.Args, "-tags=piv", "-overlay=dist/cards/overlay.json")
	}
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command(program, "--version")
	var trace strings.Builder
	c.Env, c.Stderr = []string{"HOME=" + t.TempDir(), "GODEBUG=inittrace=1"}, &trace
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, trace.String())
	}
	var all []initialised
	for line := range strings.Lines(trace.String()) {
		var p initialised
		var at, took float64
		if _, err := fmt.Sscanf(line, "init %s @%g ms, %g ms clock, %d bytes, %d allocs", &p.name, &at, &took, &p.bytes, &p.allocations); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, p)
	}
	return all
}

// ourInitialisers are the packages of this module that do anything at start, and how often they
// allocate then: tables are functions, or made by the compiler, and what has to be made is made when
// it is first needed.
var ourInitialisers = map[string]int{
	"vault/keystore": 5, // two of sync.OnceValue, and an encoding
	"vault/awsapi":   4, // two of sync.OnceValue
	"vault/store":    4, // two of sync.OnceValue
	"vault/profile":  0,
	"server":         1,
}

// A startBound is what may be initialised at start, the standard library with it.
type startBound struct{ others, allocations, bytes int }

// startBounds are bounds by Go's version: its library changes what it initialises.
var startBounds = map[string]startBound{
	"go1.26": {others: 25, allocations: 590, bytes: 107 << 10}, // 25 of 124 packages, 571 allocations, 105 kB
}

// cardsAtStart is what hardware keys add: piv-go and cryptobyte, with 42 allocations of 6.5 kB.
var cardsAtStart = startBound{others: 2, allocations: 45, bytes: 7 << 10}

func TestInitialisers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the figures are those of Linux")
	}
	most, known := startBounds[goversion.Lang(runtime.Version())]
	if !known {
		t.Skipf("there are no figures for %s: measure, and add them to startBounds", runtime.Version())
	}
	if piv.Supported {
		most = startBound{most.others + cardsAtStart.others, most.allocations + cardsAtStart.allocations, most.bytes + cardsAtStart.bytes}
	}
	var others []string
	bytes, allocations := 0, 0
	for _, p := range initialisers(t) {
		bytes, allocations = bytes+p.bytes, allocations+p.allocations
		name, ours := strings.CutPrefix(p.name, "aws-vault/")
		first, _, _ := strings.Cut(p.name, "/")
		switch own, listed := ourInitialisers[name]; {
		case ours && !listed:
			t.Errorf("%s is initialised at start, with %d allocations", name, p.allocations)
		case ours && p.allocations > own:
			t.Errorf("%s allocates %d times at start, want at most %d", name, p.allocations, own)
		case strings.Contains(first, "."):
			others = append(others, p.name)
		}
	}
	if len(others) > most.others {
		t.Errorf("%d packages of other modules are initialised at start, want at most %d: %s", len(others), most.others, strings.Join(others, " "))
	}
	if allocations > most.allocations || bytes > most.bytes {
		t.Errorf("the start allocates %d times, %d bytes, want at most %d and %d", allocations, bytes, most.allocations, most.bytes)
	}
}
