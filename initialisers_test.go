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

// The type initialised describes a package that runs code at every start of the program, before main.
type initialised struct {
	name               string
	bytes, allocations int
}

// initialisers returns the packages that the Go runtime initialises before main. It builds the program in the same
// way as a release, and reads the runtime's trace of one run. The built program supports security keys only if this
// test binary supports them.
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

// ourInitialisers lists the packages of this module that may run code at start. The value is the maximum number of
// allocations by that code. All other packages must create each value when it is first used, or use tables that
// the compiler creates.
var ourInitialisers = map[string]int{
	"vault/keystore": 5, // two calls to sync.OnceValue, and one encoding
	"vault/awsapi":   4, // two calls of sync.OnceValue
	"vault/store":    4, // two calls of sync.OnceValue
	"vault/profile":  0,
	"server":         1,
}

// A startBound limits what the start of the program may cost: the number of initialised packages of other modules, and
// the allocations and bytes of all initialised packages.
type startBound struct{ others, allocations, bytes int }

// startBounds lists the limits for each Go version, because the standard library differs between versions.
var startBounds = map[string]startBound{
	"go1.26": {others: 25, allocations: 590, bytes: 107 << 10}, // measured: 25 of 124 packages, 571 allocations, 105 kB
}

// cardsAtStart is added to the limits if the program supports security keys. Measured: piv-go and cryptobyte make
// 42 allocations, with 6.5 kB in total.
var cardsAtStart = startBound{others: 2, allocations: 45, bytes: 7 << 10}

func TestInitialisers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the limits are for Linux")
	}
	most, known := startBounds[goversion.Lang(runtime.Version())]
	if !known {
		t.Skipf("startBounds has no limits for %s: measure and add them", runtime.Version())
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
			t.Errorf("%s runs code at start, with %d allocations, want none", name, p.allocations)
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
		t.Errorf("the start has %d allocations of %d bytes, want at most %d of %d", allocations, bytes, most.allocations, most.bytes)
	}
}
