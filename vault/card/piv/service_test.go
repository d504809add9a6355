//go:build piv && (cgo || linux) && !windows

package piv

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"aws-vault/internal/fakecard"
)

// service is the fake PC/SC service that piv-go uses.
var service *fakecard.Service

func TestMain(m *testing.M) {
	s, stop, err := fakecard.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	service = s
	status := m.Run()
	stop()
	os.Exit(status)
}

// insert inserts a new card into a reader. When the test ends, the card is removed.
func insert(t *testing.T, o fakecard.Options) (*fakecard.Card, string) {
	t.Helper()
	c := fakecard.New(o)
	reader := fmt.Sprintf("Yubico YubiKey OTP+FIDO+CCID %d", c.Serial())
	service.Insert(reader, c)
	t.Cleanup(func() {
		service.Idle()
		service.Unplug(reader)
	})
	return c, reader
}

// A fakeUser answers PIN prompts, and records prompts and touches.
type fakeUser struct {
	pins      []string // answers to PIN prompts, in order; the last answer is repeated
	questions []PINQuestion
	touches   []Touch
	sleeps    int
}

func (p *fakeUser) cards() *Cards {
	return &Cards{
		PIN: func(_ context.Context, q PINQuestion) (string, error) {
			p.questions = append(p.questions, q)
			pin := "123456"
			if len(p.pins) > 0 {
				pin = p.pins[0]
			}
			if len(p.pins) > 1 {
				p.pins = p.pins[1:]
			}
			return pin, nil
		},
		Touch:  func(t Touch) { p.touches = append(p.touches, t) },
		UsedBy: func() string { return "scdaemon" },
		Sleep: func(context.Context, time.Duration) error {
			p.sleeps++
			return nil
		},
	}
}
