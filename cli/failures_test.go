package cli_test

import (
	"context"
	"errors"
	"os"
	"strconv"

	"aws-vault/cli/app"
	"aws-vault/vault/keystore"
)

// The program under test is killed at the instant with the number in killVariable. The keystore change with the number
// in failVariable fails.
const (
	killVariable = "TEST_KILL_AT_CHANGE"
	failVariable = "TEST_FAIL_AT_CHANGE"
)

// injectFailures gives the program a keystore that kills the process at the n-th instant, or whose n-th change fails.
// Each change has two instants: just before it and just after it.
func injectFailures(env *app.Env) {
	kill, _ := strconv.Atoi(os.Getenv(killVariable)) // 0: never
	fail, _ := strconv.Atoi(os.Getenv(failVariable))
	if kill == 0 && fail == 0 {
		return
	}
	env.OpenKeystore = func(ctx context.Context, c keystore.Config) (*keystore.Keystore, error) {
		k, err := keystore.Open(ctx, c)
		if err == nil {
			k.Keys, k.Private = failingRing{k.Keys, &kill, &fail}, failingRing{k.Private, &kill, &fail}
		}
		return k, err
	}
}

// failingRing is a ring that kills the process when kill reaches 0, and fails a change when fail reaches 0.
type failingRing struct {
	keystore.Ring
	kill, fail *int
}

var errFull = errors.New("no space left on device")

func (r failingRing) change(f func() error) error {
	r.instant()
	defer r.instant()
	if *r.fail--; *r.fail == 0 {
		return errFull
	}
	return f()
}

func (r failingRing) Put(ctx context.Context, it keystore.Item) error {
	return r.change(func() error { return r.Ring.Put(ctx, it) })
}

func (r failingRing) Remove(ctx context.Context, name string) error {
	return r.change(func() error { return r.Ring.Remove(ctx, name) })
}

func (r failingRing) instant() {
	if *r.kill--; *r.kill != 0 {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		os.Exit(99)
	}
	select {} // until the signal comes
}
