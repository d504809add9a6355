package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asProgram makes the test binary the program itself.
const asProgram = "TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	m.Run()
}

func TestVersion(t *testing.T) {
	c := exec.Command(os.Args[0], "version")
	c.Env = []string{asProgram + "=1", "HOME=" + t.TempDir(), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	out, err := c.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) == "" || strings.Contains(string(out), " ") {
		t.Errorf("version prints %q, %v", out, err)
	}
}

// floors says which floor of the house each package lives on. A package imports only
// from floors below its own, so this table is the architecture.
var floors = map[string]int{
	"vault/ascii":              -1, // the cellar: nothing of ours
	"vault/disk":               -1,
	"vault/keystore/kernelkey": -1,
	"vault/turn":               -1,
	"vault/peer":               -1,
	"vault/program":            -1,
	"vault/partition":          -1,

	"vault/keystore/sealed":   0,
	"vault/keystore/unlocked": 0,
	"vault/card/pcsc":         0,
	"vault/card/oath":         0,
	"vault/policy":            0,

	"vault/profile":        1,
	"vault/identity":       1,
	"vault/keystore":       1,
	"vault/signin/browser": 1,
	"prompt":               1,
	"vault/card/piv":       1,
	"vault/certificate":    1,
	"server":               1,

	"vault/plan":   2,
	"vault/store":  2,
	"vault/signin": 2,
	"vault/awsapi": 2,

	"vault/source": 3,
	"vault/doctor": 3,
	"vault":        4,

	"vault/configfile":   3,
	"vault/identitykeys": 3,
	"vault/rolesync":     4,
	"vault/transfer":     5,
	"vault/rotation":     5,
	"vault/enroll":       5,
	"vault/console":      5,
	"cli/envvar":         0,
	"cli/ui":             0,
	"cli/hint":           6,
	"cli/app":            7,
	"cli/system":         8,
	"cli/doctor":         9,
	"cli/identity":       9,
	"cli/keys":           9,
	"cli/mfa":            9,
	"cli/run":            9,
	"cli/sealed":         9,
	"cli/setup":          9,
	"cli/signin":         9,
	"cli":                10,
	"":                   11,

	"contrib/completions": 0,

	"internal/testproc":           -1, // imported by tests alone
	"vault/keystore/keystoretest": 2,
	"internal/testvault":          5,
	"internal/fakeaws":            0, // imported by tests and by contrib alone; see testOnly
	"contrib/demo":                12,
	"contrib/docker/proxy":        12,
	"contrib/bench":               12,
	"contrib/soak":                12,
	"contrib/structure":           0,
	"internal/fakecard":           0,
}

// testOnly are the packages that no part of the program may import.
var testOnly = map[string]bool{"internal/testvault": true, "internal/testproc": true, "vault/keystore/keystoretest": true, "internal/fakeaws": true, "internal/fakecard": true}

func TestFloors(t *testing.T) {
	for _, env := range [][]string{
		{"GOOS=linux", "CGO_ENABLED=0"}, {"GOOS=darwin", "CGO_ENABLED=0"}, {"GOOS=windows", "CGO_ENABLED=0"},
		{"GOOS=linux", "CGO_ENABLED=1", "GOFLAGS=-tags=piv"}, {"GOOS=windows", "CGO_ENABLED=0", "GOFLAGS=-tags=piv"},
	} {
		t.Run(strings.Join(env, " "), func(t *testing.T) { checkFloors(t, env) })
	}
}

func checkFloors(t *testing.T, env []string) {
	const module = "aws-vault"
	list := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	list.Env = append(os.Environ(), env...)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(fields[0], module), "/")
		floor, ok := floors[pkg]
		if !ok {
			t.Errorf("package %q has no floor: give it one in this table", pkg)
		}
		for _, path := range fields[1:] {
			dep, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				continue
			}
			if floors[dep] >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, floor, dep, floors[dep])
			}
			if testOnly[dep] && !testOnly[pkg] && !strings.HasPrefix(pkg, "contrib/") {
				t.Errorf("%s imports %s, which is for tests", pkg, dep)
			}
		}
	}
}

// leftOut are packages that cost every start of the program on Linux, and what they cost. Tests
// may use them.
var leftOut = map[string]string{
	"github.com/aws/aws-sdk-go-v2/service/": "0.15 ms and half a megabyte each; see vault/awsapi/wire.go",
	"github.com/aws/aws-sdk-go-v2/config":   "all of the services that sign in",
	"github.com/99designs/keyring":          "half a megabyte with what it brings, and two connections to the session bus before main",
	"github.com/gsterjov/go-libsecret":      "another D-Bus library, beside the one that is linked",
	"github.com/dvsekhvalnov/jose2go":       "60 allocations; go-jose, which is linked, wraps keys too",
}

func TestLeftOut(t *testing.T) {
	list := exec.Command("go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=linux")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(out)) {
		for prefix, cost := range leftOut {
			if strings.HasPrefix(pkg, prefix) {
				t.Errorf("the program holds %s: %s", strings.TrimSpace(pkg), cost)
			}
		}
	}
}
