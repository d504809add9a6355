package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asProgram is the environment variable that makes the test binary run main instead of the tests.
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

// forbiddenPackages lists packages that the program must not import on Linux, because each of them makes every start
// slower. The value in the map is the cost. Tests may import these packages.
var forbiddenPackages = map[string]string{
	"github.com/aws/aws-sdk-go-v2/service/": "0.15 ms and half a megabyte each; see vault/awsapi/wire.go",
	"github.com/aws/aws-sdk-go-v2/config":   "it imports all services for sign-in",
	"github.com/99designs/keyring":          "half a megabyte with its dependencies, and two connections to the session bus before main",
	"github.com/gsterjov/go-libsecret":      "a second D-Bus library, next to the one that is linked",
	"github.com/dvsekhvalnov/jose2go":       "60 allocations; go-jose, which is linked already, also wraps keys",
}

func TestForbiddenPackages(t *testing.T) {
	list := exec.Command("go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=linux")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(out)) {
		for prefix, cost := range forbiddenPackages {
			if strings.HasPrefix(pkg, prefix) {
				t.Errorf("the program imports %s: %s", strings.TrimSpace(pkg), cost)
			}
		}
	}
}
