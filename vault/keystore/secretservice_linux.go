package keystore

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"aws-vault/vault/ascii"
	"aws-vault/vault/mutex"
)

// GNOME Keyring, KeePassXC and other programs provide the Secret Service on the session bus.
// https://specifications.freedesktop.org/secret-service/latest/
const (
	secretBackend       = "secret-service"
	serviceName         = "org.freedesktop.secrets"
	servicePath         = "/org/freedesktop/secrets"
	collectionPrefix    = servicePath + "/collection/"
	serviceInterface    = "org.freedesktop.Secret.Service"
	collectionInterface = "org.freedesktop.Secret.Collection"
	itemInterface       = "org.freedesktop.Secret.Item"
	propertyGet         = "org.freedesktop.DBus.Properties.Get"

	noPath = dbus.ObjectPath("/") // means "no object" in the specification
)

// A secretService is a connection to the Secret Service. It transfers all secrets in one session.
type secretService struct {
	bus    *sessionBus
	config Config

	lock    mutex.Mutex // held while a session is opened or the service prompts
	session *secretSession
}

// openSecretService opens the keystore in the Secret Service. The keys are in the collection that aws-vault 7 uses.
// The private items are in the user's default collection, or in a separate collection if there is no default.
func (b *sessionBus) openSecretService(ctx context.Context, c Config) (*Keystore, error) {
	if err := b.ensureRunning(ctx, secretBackend, serviceName); err != nil {
		return nil, err
	}
	s := &secretService{bus: b, config: c, lock: mutex.New()}
	keys := &secretRing{
		service:    s,
		collection: cmp.Or(c.Collection, "awsvault"),
		nameKey:    "profile",
	}
	privateItems := &secretRing{
		service:         s,
		collection:      "awsvault-private",
		inDefault:       true,
		fixedAttributes: map[string]string{"application": "aws-vault", "kind": "private"},
		nameKey:         "name",
		label:           "aws-vault",
	}
	return &Keystore{Name: secretBackend, Keys: keys, Private: privateRing{ring: privateItems, location: secretBackend}}, nil
}

func (s *secretService) call(ctx context.Context, path dbus.ObjectPath, method string, args []any, out ...any) error {
	return s.bus.call(ctx, serviceName, string(path), method, args, out...)
}

// withSession calls act with the session. If the service was restarted and no longer knows the session, it
// opens a new session and calls act again.
func (s *secretService) withSession(ctx context.Context, act func(*secretSession) error) error {
	for renew := false; ; renew = true {
		session, err := s.getSession(ctx, renew)
		if err != nil {
			return err
		}
		if err := act(session); renew || errorName(err) != "org.freedesktop.Secret.Error.NoSession" {
			return err
		}
	}
}

func (s *secretService) getSession(ctx context.Context, renew bool) (*secretSession, error) {
	release, err := s.lock.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if s.session == nil || renew {
		if s.session, err = s.openSession(ctx); err != nil {
			s.session = nil
			return nil, err
		}
	}
	return s.session, nil
}

// unlock makes the service unlock the object at path. The service may prompt the user.
func (s *secretService) unlock(ctx context.Context, path dbus.ObjectPath) error {
	release, err := s.lock.Lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err = s.call(ctx, servicePath, serviceInterface+".Unlock", []any{[]dbus.ObjectPath{path}}, &unlocked, &prompt)
	if err != nil || prompt == noPath {
		return err
	}
	_, err = s.prompt(ctx, prompt)
	return err
}

// errBusClosed reports that the connection to the bus was closed during a prompt.
var errBusClosed = errors.New("the session bus was closed during the prompt")

// prompt makes the service show its own prompt and returns the result.
// https://specifications.freedesktop.org/secret-service/latest/prompts.html
func (s *secretService) prompt(ctx context.Context, path dbus.ObjectPath) (dbus.Variant, error) {
	conn, err := s.bus.connect(ctx)
	if err != nil {
		return dbus.Variant{}, err
	}
	match := []dbus.MatchOption{dbus.WithMatchObjectPath(path), dbus.WithMatchMember("Completed")}
	if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
		return dbus.Variant{}, err
	}
	defer conn.RemoveMatchSignal(match...)
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	defer conn.RemoveSignal(signals)
	if err = s.call(ctx, path, "org.freedesktop.Secret.Prompt.Prompt", []any{""}); err == nil {
		var completion *dbus.Signal
		if completion, err = completed(ctx, path, signals); err == nil {
			return promptResult(completion)
		}
	}
	if context.Cause(ctx) != nil { // do not leave the prompt on the screen after a cancellation
		s.call(context.WithoutCancel(ctx), path, "org.freedesktop.Secret.Prompt.Dismiss", nil)
	}
	return dbus.Variant{}, err
}

// completed waits until the prompt at path ends, and returns the signal that reports the prompt's result.
func completed(ctx context.Context, path dbus.ObjectPath, signals <-chan *dbus.Signal) (*dbus.Signal, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case signal, ok := <-signals:
			if !ok {
				return nil, errBusClosed
			}
			if signal.Path == path && signal.Name == "org.freedesktop.Secret.Prompt.Completed" {
				return signal, nil
			}
		}
	}
}

func promptResult(signal *dbus.Signal) (dbus.Variant, error) {
	var dismissed bool
	var result dbus.Variant
	if err := dbus.Store(signal.Body, &dismissed, &result); err != nil {
		return dbus.Variant{}, err
	}
	if dismissed {
		return dbus.Variant{}, &LockedError{Backend: secretBackend, Reason: "the prompt was dismissed", Dismissed: true}
	}
	return result, nil
}

// secretError converts an error of the service into an error of this package.
func secretError(err error) error {
	var locked *LockedError
	switch {
	case err == nil || errors.Is(err, ErrNotFound) || errors.As(err, &locked):
		return err
	case errorName(err) == "org.freedesktop.Secret.Error.IsLocked":
		return &LockedError{Backend: secretBackend, Reason: "another program locked it during the operation"}
	}
	return fmt.Errorf("%s: %w", secretBackend, err)
}

// encodePath converts a collection's label to the form that services use in object paths.
func encodePath(label string) string {
	var b strings.Builder
	for i := range len(label) {
		if c := label[i]; ascii.IsAlphanumeric(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}

// decodePath reverses encodePath: it replaces _xx with the byte that has the hexadecimal value xx.
func decodePath(path dbus.ObjectPath) string {
	var b strings.Builder
	for s := string(path); s != ""; {
		if s[0] == '_' && len(s) >= 3 {
			if c, err := hex.DecodeString(s[1:3]); err == nil {
				b.Write(c)
				s = s[3:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}
