package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault/card/oath"
	"aws-vault/vault/card/pcsc"
	"aws-vault/vault/printable"
)

// ErrNoSecurityKey reports that no security key with TOTP accounts is connected.
var ErrNoSecurityKey = errors.New("no security key with TOTP accounts is connected")

// A keyChoiceError reports that the requested security key is not connected. If no security key was requested, the
// error reports that several are connected.
type keyChoiceError struct {
	requested string // the requested serial number; empty if any security key is accepted
	plugged   []string
}

func (e *keyChoiceError) Error() string {
	if e.requested != "" {
		return fmt.Sprintf("security key %.40q is not connected; connected: %s", e.requested, strings.Join(e.plugged, ", "))
	}
	return fmt.Sprintf("%d security keys are connected (%s), expected one", len(e.plugged), strings.Join(e.plugged, ", "))
}

func (*keyChoiceError) Remedy() string {
	return "choose a security key with --card SERIAL"
}

// maxPasswordTries is the maximum number of prompts for the password of a security key.
const maxPasswordTries = 3

// A keyPassword caches the password of the TOTP accounts on a security key. The password is cached after the security
// key has accepted it, so a process does not prompt for it again.
type keyPassword struct {
	mu   sync.Mutex
	text string
}

func (p *keyPassword) get() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text
}

func (p *keyPassword) set(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}

// WithAccounts opens the TOTP accounts of the security key and calls the function use. If the accounts have a password,
// WithAccounts prompts for it. During the prompt, other programs can use the security key.
func (q Asker) WithAccounts(ctx context.Context, use func(*oath.Key) error) error {
	password, again := q.app.password.get(), ""
	for wrong := 0; ; {
		err := WithSecurityKey(ctx, q.app, password, func(k *oath.Key) error {
			q.app.password.set(password)
			return use(k)
		})
		switch {
		case errors.Is(err, oath.ErrLocked):
		case errors.Is(err, oath.ErrWrongPassword) && wrong < maxPasswordTries-1:
			wrong++
			again = "That password is wrong"
		default:
			return err
		}
		password, err = q.Ask(ctx, prompt.Request{Kind: prompt.Passphrase, Text: "Password of the security key's TOTP accounts", RetryReason: again})
		if err != nil {
			return err
		}
		if password == "" {
			return prompt.ErrCancelled
		}
	}
}

// WithSecurityKey opens the TOTP accounts of the security key and calls the function use. If the accounts need a
// password and the parameter password is empty, WithSecurityKey returns oath.ErrLocked.
func WithSecurityKey(ctx context.Context, a *App, password string, use func(*oath.Key) error) error {
	locks, _, err := a.Locks("security key")
	if err != nil {
		return err
	}
	_, lock, err := locks.Named(ctx, cardLock, "the security key")
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
		defer oath.Select(card) // selecting the application for TOTP accounts again locks the accounts
	}
	return use(key)
}

// keyReader returns the name of the card reader that contains the requested security key, or the only security key.
func keyReader(a *App, service *pcsc.Service) (string, error) {
	readers, err := service.Readers()
	if err != nil {
		return "", err
	}
	requested, _ := a.Env.Getenv(envvar.OATHDevice)
	if a.Globals.Card != 0 {
		requested = strconv.FormatUint(uint64(a.Globals.Card), 10)
	}
	var names, serials []string
	failed := ErrNoSecurityKey
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
		case serial == requested && requested != "":
			return r.Name, nil
		case serial == "":
			serial = r.Name
		}
		names, serials = append(names, r.Name), append(serials, serial)
	}
	switch {
	case len(names) == 0:
		return "", failed
	case len(names) == 1 && requested == "":
		return names[0], nil
	}
	return "", &keyChoiceError{requested, serials}
}

// serialOf returns the serial number of the security key in a card reader. It returns oath.ErrNoApplet if the card in
// the reader has no application for TOTP accounts.
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

// KeyCode reads the code for an MFA device from the TOTP account with the device's name on the security key. The
// variable [envvar.OATHAccount] can select another account.
func (q Asker) KeyCode(ctx context.Context, serial string) (code string, err error) {
	if name, _ := q.app.Env.Getenv(envvar.OATHAccount); name != "" {
		serial = name
	}
	if q.locks, _, err = q.app.Locks("the code of " + serial); err != nil {
		return "", err
	}
	err = q.WithAccounts(ctx, func(k *oath.Key) (err error) {
		code, err = q.ReadCode(ctx, k, serial, q.app.Env.Now())
		return err
	})
	return code, err
}

// ReadCode reads the code of an MFA device for the time in the parameter at. If the account requires a touch,
// ReadCode asks the user to touch the security key.
func (q Asker) ReadCode(ctx context.Context, k *oath.Key, serial string, at time.Time) (string, error) {
	accounts, err := k.Accounts()
	if err != nil {
		return "", err
	}
	account, err := oath.Find(accounts, serial)
	if err != nil {
		return "", err
	}
	touched, err := k.TouchRequired()
	if err != nil {
		return "", err
	}
	if touched[account.Name] {
		q.noteAction(ctx, "touch your security key for the code of "+printable.Text(account.Name))
	}
	return k.Code(account, at)
}
