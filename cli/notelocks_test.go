package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"aws-vault/vault/disk"
	helper "aws-vault/vault/program"
)

// noteLocks is the program notelocks, which aws-vault runs in scripts: notelocks NAME COMMAND [ARGUMENT]... It
// appends a line with NAME and the kinds of the held locks to the file in TEST_HELD_LOCKS, and then runs COMMAND.
// In this line, it adds "not told" to a lock that aws-vault did not list in the environment of notelocks.
func noteLocks() {
	noteHeldLocks(os.Args[1])
	c := exec.Command(os.Args[2], os.Args[3:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func noteHeldLocks(name string) {
	path := os.Getenv("TEST_HELD_LOCKS")
	if path == "" {
		return
	}
	locks := disk.NewFolder(filepath.Join(os.Getenv("XDG_STATE_HOME"), "aws-vault", "locks"))
	files, err := filepath.Glob(locks.File("*"))
	if err != nil {
		panic(err)
	}
	told := helper.ParseLocks(os.Getenv(helper.LocksVariable))
	kinds := []string{}
	for _, file := range files {
		l, free, err := locks.TryLock(filepath.Base(file))
		if err != nil {
			panic(err)
		}
		if free {
			l.Close()
			continue
		}
		kind, _, _ := strings.Cut(filepath.Base(file), "-")
		if !slices.ContainsFunc(told, func(l helper.Lock) bool { return l.Name == filepath.Base(file) }) {
			kind += " (not told)"
		}
		kinds = append(kinds, kind)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, "%s: %s\n", name, strings.Join(kinds, ", "))
	}
	if err != nil {
		panic(err)
	}
	f.Close()
}
