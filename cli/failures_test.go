package cli_test

import (
	"context"
	"errors"
	"os"
	"strconv"

	"aws-vault/cli/app"
	"aws-vault/vault/keystore"
)

// Each constant names a variable whose value is a number n. With killVariable, the program under test is killed at
// the n-th instant. With failVariable, the n-th change of the keystore fails. The function injectFailures explains
// what an instant is.
const (
	killVariable = "TEST_KILL_AT_CHANGE"
	failVariable = "TEST_FAIL_AT_CHANGE"
)

// injectFailures makes the program use a keystore that kills the process at an instant, or in which a change fails.
// Each change of the keystore has two instants: just before the change and just after it.
func injectFailures(env *app.Env) {
	kill, _ := strconv.Atoi(os.Getenv(killVariable)) // 0 means that the process is never killed
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

// A failingRing has two counters. It subtracts 1 from the counter in the field kill at each instant. When this
// counter reaches 0, it kills the process. It subtracts 1 from the counter in the field fail at each change. When
// this counter reaches 0, the change fails.
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
	select {} // wait until the signal has killed this process
}
