package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"aws-vault/internal/fakecard"
	"aws-vault/vault/card/piv"
)

// cardsKey is the key under which testscript stores the security keys of a script.
type cardsKey struct{}

// A cardTable contains the security keys of a script.
type cardTable struct {
	socket    string
	service   *fakecard.Service // nil before the first card command
	cards     map[string]*fakecard.Card
	exclusive map[string]func()
}

// newCards prepares the fake security keys of a script. The card service starts with the first card command.
func newCards(env *testscript.Env) error {
	dir, err := os.MkdirTemp("", "cards") // a short path, because the path of a socket must be short
	if err != nil {
		return err
	}
	t := &cardTable{socket: filepath.Join(dir, "s"), cards: map[string]*fakecard.Card{}, exclusive: map[string]func(){}}
	env.Defer(func() {
		if t.service != nil {
			t.service.Close()
		}
		os.RemoveAll(dir)
	})
	env.Values[cardsKey{}] = t
	env.Setenv(fakecard.SocketVariable, t.socket)
	return nil
}

// cardCommand implements the command card of scripts, which controls the security keys of a script:
//
//	card insert SERIAL [VERSION]    inserts a security key, and creates the key at first use
//	card pull SERIAL                pulls the security key out
//	card pullat SERIAL COMMAND      pulls the security key out during the next command of this name
//	card hold SERIAL                lets another program open the security key with exclusive access
//	card free SERIAL                ends the effect of card hold
//	card block SERIAL               blocks the PIN
//	card miss SERIAL N              lets the next N touches time out
//	card password SERIAL TEXT       sets the password of the TOTP accounts
//	card asked SERIAL NAME=N...     checks that the counter NAME is N; NAME is a field of fakecard.Usage or a command
func cardCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: card VERB SERIAL [ARGUMENT]...")
	}
	t, serial := ts.Value(cardsKey{}).(*cardTable), args[1]
	if t.service == nil {
		s, err := fakecard.Listen(t.socket)
		ts.Check(err)
		t.service = s
	}
	reader, c := "Yubico YubiKey "+serial, t.cards[serial]
	if c == nil && args[0] != "insert" {
		ts.Fatalf("card %s was not inserted before", serial)
	}
	switch args[0] {
	case "insert":
		if c == nil {
			c = newCard(ts, serial, args[2:])
			t.cards[serial] = c
		}
		t.service.Insert(reader, c)
	case "pull":
		t.service.Pull(reader)
	case "hold":
		release, ok := t.service.OpenExclusive(reader)
		if !ok {
			ts.Fatalf("card %s is in use", serial)
		}
		t.exclusive[serial] = release
	case "free":
		t.exclusive[serial]()
	case "password":
		protect(ts, c, args[2])
	case "block":
		c.BlockPIN()
	case "miss":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		c.MissTouch(n)
	case "pullat":
		c.PullAt(args[2])
	case "asked":
		for _, want := range args[2:] {
			checkUsage(ts, c.Usage(), want)
		}
	default:
		ts.Fatalf("unknown card command %q", args[0])
	}
}

func newCard(ts *testscript.TestScript, serial string, version []string) *fakecard.Card {
	n, err := strconv.ParseUint(serial, 10, 32)
	ts.Check(err)
	o := fakecard.Options{Serial: uint32(n)}
	if len(version) > 0 {
		_, err := fmt.Sscanf(version[0], "%d.%d.%d", &o.Version[0], &o.Version[1], &o.Version[2])
		ts.Check(err)
	}
	return fakecard.New(o)
}

// checkUsage compares a usage counter of a security key with want, which has the form NAME=N. If the counter is not
// N, the script fails.
func checkUsage(ts *testscript.TestScript, a fakecard.Usage, want string) {
	name, number, _ := strings.Cut(want, "=")
	n, err := strconv.Atoi(number)
	ts.Check(err)
	got := a.Count(name)
	if f := reflect.ValueOf(a).FieldByName(name); f.IsValid() && f.CanInt() {
		got = int(f.Int())
	}
	if got != n {
		ts.Fatalf("the card counted %s %d times, want %d: %+v", name, got, n, a)
	}
}

// makeKey creates a P-256 key in a slot of the only security key. Each use of the key requires the PIN and a touch.
func makeKey() {
	slot, err := piv.ParseSlot(os.Args[1])
	if err == nil {
		cards := piv.Cards{PIN: func(context.Context, piv.PINQuestion) (string, error) { return "123456", nil }}
		_, err = cards.Generate(context.Background(), piv.Location{Slot: slot}, piv.KeyRequest{Algorithm: piv.P256, PIN: piv.PINAlways, Touch: piv.TouchAlways})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
