package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// An initialised package has code that runs at every start of the program, whatever it does.
type initialised struct {
	name               string
	bytes, allocations int
}

// initialisers builds the program as a release is built and returns what it initialises before
// main, as the runtime tells it.
// https://pkg.go.dev/runtime#hdr-Environment_Variables
func initialisers(t *testing.T) []initialised {
	t.Helper()
	program := filepath.Join(t.TempDir(), "aws-vault.exe")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
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

// What is initialised at start with Go 1.26, the standard library with it, is 123 packages with 546
// allocations of 102 kB, 24 of them of other modules. A little more is left to the next Go.
const (
	mostOthers      = 24
	mostAllocations = 570
	mostBytes       = 105 << 10
)

func TestInitialisers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the figures are those of Linux")
	}
	var others []string
	bytes, allocations := 0, 0
	for _, p := range initialisers(t) {
		bytes, allocations = bytes+p.bytes, allocations+p.allocations
		name, ours := strings.CutPrefix(p.name, "aws-vault/")
		first, _, _ := strings.Cut(p.name, "/")
		switch most, known := ourInitialisers[name]; {
		case ours && !known:
			t.Errorf("%s is initialised at start, with %d allocations", name, p.allocations)
		case ours && p.allocations > most:
			t.Errorf("%s allocates %d times at start, want at most %d", name, p.allocations, most)
		case strings.Contains(first, "."):
			others = append(others, p.name)
		}
	}
	if len(others) > mostOthers {
		t.Errorf("%d packages of other modules are initialised at start, want at most %d: %s", len(others), mostOthers, strings.Join(others, " "))
	}
	if allocations > mostAllocations || bytes > mostBytes {
		t.Errorf("the start allocates %d times, %d bytes, want at most %d and %d", allocations, bytes, mostAllocations, mostBytes)
	}
}
