package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aws-vault/cli/envvar"
	"aws-vault/cli/ui"
	"aws-vault/prompt"
	"aws-vault/vault/card/oath"
	"aws-vault/vault/card/pcsc"
)

// AskFunc puts a question to a person.
type AskFunc func(context.Context, prompt.Request) (string, error)

// ErrNoKey is for a machine without a security key that holds accounts.
var ErrNoKey = errors.New("no security key with OATH accounts is plugged in")

// A whichKeyError is returned where it is open which of several keys is meant.
type whichKeyError struct {
	want   string // the serial asked for; empty for any
	serial []string
}

func (e *whichKeyError) Error() string {
	if e.want != "" {
		return fmt.Sprintf("security key %.40q is not plugged in, but %s", e.want, strings.Join(e.serial, ", "))
	}
	return fmt.Sprintf("%d security keys are plugged in (%s), want one", len(e.serial), strings.Join(e.serial, ", "))
}

func (*whichKeyError) Remedy() string {
	return "name one with --card SERIAL"
}

// maxPasswords is how often the password of a key is asked for.
const maxPasswords = 3

// WithAccounts selects the OATH accounts of the security key and does something with them. The
// key is not held while its password is asked for: others may want it.
func WithAccounts(ctx context.Context, a *App, ask AskFunc, use func(*oath.Key) error) error {
	password, again := a.secret, ""
	for wrong := 0; ; {
		err := WithKeyOnce(ctx, a, password, func(k *oath.Key) error {
			a.secret = password
			return use(k)
		})
		switch {
		case errors.Is(err, oath.ErrLocked):
		case errors.Is(err, oath.ErrPassword) && wrong < maxPasswords-1:
			wrong++
			again = "That password is wrong"
		default:
			return err
		}
		password, err = ask(ctx, prompt.Request{Kind: prompt.Passphrase, Text: "Password of the security key's OATH accounts", Again: again})
		if err != nil {
			return err
		}
		if password == "" {
			return prompt.ErrCancelled
		}
	}
}

// WithKeyOnce opens the key, and returns oath.ErrLocked if it wants a password and none is there.
func WithKeyOnce(ctx context.Context, a *App, password string, use func(*oath.Key) error) error {
	locks, _, err := a.Locks("security key")
	if err != nil {
		return err
	}
	_, lock, err := locks.Alone(ctx, cardLock, "the hardware key")
	if err != nil {
		return err
	}
	defer lock.Close()
	path, _ := a.Env.Getenv("PCSCLITE_CSOCK_NAME")
	service, err := pcsc.Open(ctx, path)
	if err != nil {
		return err
	}
	defer service.Close()
	reader, err := keyReader(a, service)
	if err != nil {
		return err
	}
	card, err := service.Card(reader)
	if err != nil {
		return err
	}
	defer card.Close()
	key, err := oath.Select(card)
	if err != nil {
		return err
	}
	if key.Locked() {
		if password == "" {
			return oath.ErrLocked
		}
		if err := key.Unlock(password); err != nil {
			return err
		}
		defer oath.Select(card) // which shuts it for whoever comes next
	}
	return use(key)
}

// keyReader finds the reader of the key that is meant: the one that is named, or the only one.
func keyReader(a *App, service *pcsc.Service) (string, error) {
	readers, err := service.Readers()
	if err != nil {
		return "", err
	}
	want, _ := a.Env.Getenv(envvar.OATHDevice)
	if a.Globals.Card != 0 {
		want = strconv.FormatUint(uint64(a.Globals.Card), 10)
	}
	var names, serials []string
	failed := ErrNoKey
	for _, r := range readers {
		if !r.Present {
			continue
		}
		serial, err := serialOf(service, r.Name)
		switch {
		case errors.Is(err, oath.ErrNoApplet):
			continue
		case err != nil:
			failed = fmt.Errorf("%s: %w", r.Name, err)
			continue
		case serial == want && want != "":
			return r.Name, nil
		case serial == "":
			serial = r.Name
		}
		names, serials = append(names, r.Name), append(serials, serial)
	}
	switch {
	case len(names) == 0:
		return "", failed
	case len(names) == 1 && want == "":
		return names[0], nil
	}
	return "", &whichKeyError{want, serials}
}

// serialOf is the serial number of the key in a reader, or oath.ErrNoApplet for a card that
// holds no accounts.
func serialOf(service *pcsc.Service, reader string) (string, error) {
	card, err := service.Card(reader)
	if err != nil {
		return "", err
	}
	defer card.Close()
	serial, err := oath.Serial(card)
	if err != nil {
		return "", err
	}
	_, err = oath.Select(card)
	return serial, err
}

// KeyCode reads a code for the prompt driver of that name.
func KeyCode(ctx context.Context, a *App, serial string) (code string, err error) {
	if name, _ := a.Env.Getenv(envvar.OATHAccount); name != "" {
		serial = name
	}
	locks, _, err := a.Locks("the code of " + serial)
	if err != nil {
		return "", err
	}
	err = WithAccounts(ctx, a, a.Asker(locks), func(k *oath.Key) (err error) {
		code, err = CodeOf(ctx, a, k, serial, a.Env.Now())
		return err
	})
	return code, err
}

// CodeOf reads the code of a device at a time, and says so before the key waits for a touch.
func CodeOf(ctx context.Context, a *App, k *oath.Key, serial string, at time.Time) (string, error) {
	accounts, err := k.Accounts()
	if err != nil {
		return "", err
	}
	account, err := oath.Find(accounts, serial)
	if err != nil {
		return "", err
	}
	touched, err := k.Touched()
	if err != nil {
		return "", err
	}
	if touched[account.Name] {
		sayBlink(ctx, a, "touch your key for the code of "+ui.Printable(account.Name))
	}
	return k.Code(account, at)
}

// sayBlink says that a key waits for a touch. Where a program reads our stderr, its user may
// not, so that it is said on the terminal.
func sayBlink(ctx context.Context, a *App, what string) {
	if a.Serves && !a.Env.Read {
		if tty, err := a.Env.Prompt.OpenTTY(); err == nil {
			defer tty.Close()
			if tty.Write(ctx, "aws-vault: "+what+"\r\n") == nil {
				return
			}
		}
	}
	a.Note("%s", what)
}
