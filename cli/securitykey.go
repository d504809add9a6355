package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aws-vault/prompt"
	"aws-vault/vault/oath"
	"aws-vault/vault/pcsc"
)

// asker puts a question to a person.
type asker func(context.Context, prompt.Request) (string, error)

// keyVariable names the key to use, where several are plugged in and --card names none, by its
// serial number. It is the one that the ykman driver heeds too.
const keyVariable = "YKMAN_OATH_DEVICE_SERIAL"

// accountVariable names the account to use whatever the MFA device is called, likewise.
const accountVariable = "YKMAN_OATH_CREDENTIAL_NAME"

// errNoKey is for a machine without a security key that holds accounts.
var errNoKey = errors.New("no security key with OATH accounts is plugged in")

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

// withAccounts selects the OATH accounts of the security key and does something with them. The
// key is not held while its password is asked for: others may want it.
func (a *app) withAccounts(ctx context.Context, ask asker, use func(*oath.Key) error) error {
	password, again := a.secret, ""
	for wrong := 0; ; {
		err := a.withKeyOnce(ctx, password, func(k *oath.Key) error {
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

// withKeyOnce opens the key, and returns oath.ErrLocked if it wants a password and none is there.
func (a *app) withKeyOnce(ctx context.Context, password string, use func(*oath.Key) error) error {
	locks, _, err := a.locks("security key")
	if err != nil {
		return err
	}
	_, lock, err := locks.Alone(ctx, cardLock, "the hardware key")
	if err != nil {
		return err
	}
	defer lock.Close()
	path, _ := a.env.Getenv("PCSCLITE_CSOCK_NAME")
	service, err := pcsc.Open(ctx, path)
	if err != nil {
		return err
	}
	defer service.Close()
	reader, err := a.keyReader(service)
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
func (a *app) keyReader(service *pcsc.Service) (string, error) {
	readers, err := service.Readers()
	if err != nil {
		return "", err
	}
	want, _ := a.env.Getenv(keyVariable)
	if a.globals.card != 0 {
		want = strconv.FormatUint(uint64(a.globals.card), 10)
	}
	var names, serials []string
	failed := errNoKey
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

// keyCode reads a code for the prompt driver of that name.
func (a *app) keyCode(ctx context.Context, serial string) (code string, err error) {
	if name, _ := a.env.Getenv(accountVariable); name != "" {
		serial = name
	}
	locks, _, err := a.locks("the code of " + serial)
	if err != nil {
		return "", err
	}
	err = a.withAccounts(ctx, a.asker(locks), func(k *oath.Key) (err error) {
		code, err = a.codeOf(ctx, k, serial, a.env.Now())
		return err
	})
	return code, err
}

// codeOf reads the code of a device at a time, and says so before the key waits for a touch.
func (a *app) codeOf(ctx context.Context, k *oath.Key, serial string, at time.Time) (string, error) {
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
		a.sayBlink(ctx, "touch your key for the code of "+printable(account.Name))
	}
	return k.Code(account, at)
}

// sayBlink says that a key waits for a touch. Where a program reads our stderr, its user may
// not, so that it is said on the terminal.
func (a *app) sayBlink(ctx context.Context, what string) {
	if a.serves && !a.env.Read {
		if tty, err := a.env.Prompt.OpenTTY(); err == nil {
			defer tty.Close()
			if tty.Write(ctx, "aws-vault: "+what+"\r\n") == nil {
				return
			}
		}
	}
	a.note("%s", what)
}
