//go:build unix

package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestInteropSummary tests the summary of the command "make interop". It checks which lines are counted as checks,
// and that the exit status is 1 if a check failed.
func TestInteropSummary(t *testing.T) {
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skipf("awk is not installed: %v", err)
	}
	const passed = "=== RUN   TestA\n    a_test.go:1: fine\n--- PASS: TestA (0.00s)\n"
	for _, c := range []struct {
		name, log string
		want      []string
		fails     bool
	}{
		{"empty module cache", "go: downloading github.com/a/b v1.0.0\n" + passed + "PASS\nok  \tp\t0.1s\n",
			[]string{"ok A", "go: downloading", "1 passed, 0 failed, 0 skipped"}, false},
		{"failed test", passed + "=== RUN   TestB_c\n    b_test.go:1: wrong\n--- FAIL: TestB_c (0.00s)\nFAIL\nFAIL\tp\t0.1s\n",
			[]string{"ok A", "not ok B c\n        b_test.go:1: wrong", "1 passed, 1 failed, 0 skipped"}, true},
		{"test that did not end", passed + "=== RUN   TestB\npanic: no\nFAIL\tp\t0.1s\n",
			[]string{"ok A", "not ok B\n    panic: no", "1 passed, 1 failed, 0 skipped"}, true},
		{"package that cannot be built", "# p\n./a.go:1:1: undefined: x\nFAIL\tp [build failed]\n" + passed,
			[]string{"ok A", "not ok build of p", "undefined: x", "1 passed, 1 failed, 0 skipped"}, true},
		{"skipped subtest", "=== RUN   TestA\n=== RUN   TestA/x\n    a_test.go:1: no program\n    --- SKIP: TestA/x (0.00s)\n--- PASS: TestA (0.00s)\n",
			[]string{"skipped A/x: no program", "0 passed, 0 failed, 1 skipped"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			awk := exec.Command("awk", "-f", "contrib/interop/summary.awk")
			awk.Stdin = strings.NewReader(c.log)
			out, err := awk.Output()
			var exit *exec.ExitError
			if failed := errors.As(err, &exit); failed != c.fails || failed && exit.ExitCode() != 1 || err != nil && !failed {
				t.Errorf("awk ended with %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("the summary is %q, want %q in it", out, want)
				}
			}
		})
	}
}
