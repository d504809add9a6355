package sealed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"aws-vault/vault/program"
)

// wrap encrypts a key as an age file. Each opener can decrypt the file without the others.
func wrap(ctx context.Context, k MasterKey, openers []Opener, ui PluginUI) ([]byte, error) {
	recipients := make([]age.Recipient, len(openers))
	for i, o := range openers {
		r, err := o.recipient(ui.client(ctx))
		if err != nil {
			return nil, &OpenerError{o.Name, err}
		}
		recipients[i] = r
	}
	var out bytes.Buffer
	var w io.WriteCloser
	err := program.StartByLibrary(ctx, func() (err error) {
		w, err = age.Encrypt(&out, recipients...)
		return err
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(k[:]); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unwrap decrypts an age file with one identity.
func unwrap(envelope []byte, id age.Identity) (k MasterKey, err error) {
	r, err := age.Decrypt(bytes.NewReader(envelope), id)
	if err != nil {
		return k, err
	}
	data, err := io.ReadAll(io.LimitReader(r, keySize+1))
	if err != nil || len(data) != keySize {
		return k, errors.New("the envelope contains no key")
	}
	copy(k[:], data)
	return k, nil
}

// A PluginUI returns the user interface that age plugins use. ctx is the context of the operation. If the PluginUI
// is nil, plugins cannot interact with the user.
type PluginUI func(ctx context.Context) *plugin.ClientUI

// client returns the user interface. It never returns nil, because age panics without a user interface.
func (ui PluginUI) client(ctx context.Context) *plugin.ClientUI {
	if ui == nil {
		return &plugin.ClientUI{}
	}
	return ui(ctx)
}

// A PassphrasePrompt describes a prompt for a passphrase that opens a store.
type PassphrasePrompt struct {
	Dir     string   // the directory of the store
	Openers []string // the names of the openers that have a passphrase
	New     bool     // whether the user chooses a new passphrase
	Wrong   int      // number of wrong answers so far
}

// UnlockOptions select the openers that may unlock a store, and provide the callbacks for them. A nil callback
// disables its kind of opener.
type UnlockOptions struct {
	Only string // the name of the only opener to use; if empty, all openers except recovery words are used

	// PassphraseFirst reports whether the passphrase is tried before any card. Callers set it if Passphrase
	// returns without a prompt, so that the user does not have to touch a card.
	PassphraseFirst bool

	// Card returns the key of the opener o. It does not prompt. The caller calls done after the last use of the
	// key. If the card of the opener is not connected, Card returns an error that matches [ErrAbsent].
	Card func(ctx context.Context, o Opener) (key Exchanger, done func(), err error)

	Passphrase func(ctx context.Context, prompt PassphrasePrompt) (string, error)
	Words      func(ctx context.Context, name string) (string, error)
	Plugin     PluginUI

	// LockPlugins acquires a lock, so that only one process at a time opens the store in dir with a plugin. The
	// caller then works with the returned context, and calls release at the end. If LockPlugins is nil, no lock is
	// used.
	LockPlugins func(ctx context.Context, dir string) (under context.Context, release func(), err error)
}

// OpenMasterKey decrypts the master key with one opener. It tries cards first, then passphrases, then plugins, and
// uses the first kind of opener that is available. If options.PassphraseFirst is set, it tries passphrases before
// cards. If no opener is available, the error matches [ErrNoOpener].
func (h *Header) OpenMasterKey(ctx context.Context, dir string, options UnlockOptions) (MasterKey, error) {
	return h.open(ctx, dir, h.Envelope, h.Openers, options)
}

// OpenTouchKey decrypts the touch key with a hardware opener.
func (h *Header) OpenTouchKey(ctx context.Context, dir string, options UnlockOptions) (MasterKey, error) {
	return h.open(ctx, dir, h.Touch, hardware(h.Openers), options)
}

func hardware(all []Opener) (some []Opener) {
	for _, o := range all {
		if o.Hardware() {
			some = append(some, o)
		}
	}
	return some
}

// A method is a way to decrypt a key with the openers of one kind.
type method struct {
	kind string
	open func(context.Context, attempt, []Opener) (MasterKey, error)
}

// methods lists the methods in the order in which they are tried. The first available method is used.
var methods = []method{
	{Card, openByCard},
	{Passphrase, openByPassphrase},
	{Plugin, openByPlugin},
	{Recovery, openByWords},
}

// An attempt is an encrypted key and the options for its decryption.
type attempt struct {
	dir      string
	envelope []byte
	options  UnlockOptions
}

func (h *Header) open(ctx context.Context, dir string, envelope []byte, openers []Opener, options UnlockOptions) (MasterKey, error) {
	if options.Only != "" && !slices.ContainsFunc(openers, func(o Opener) bool { return o.Name == options.Only }) {
		return MasterKey{}, &OpenerError{options.Only, ErrUnknownOpener}
	}
	a := attempt{dir, envelope, options}
	var absent absentErrors
	for _, m := range methodOrder(options) {
		var matching []Opener
		for _, o := range openers {
			if o.Kind == m.kind && (o.Name == options.Only || options.Only == "" && o.Kind != Recovery) {
				matching = append(matching, o)
			}
		}
		if len(matching) == 0 {
			continue
		}
		k, err := m.open(ctx, a, matching)
		if !errors.Is(err, ErrAbsent) {
			return k, err
		}
		if err != ErrAbsent { //nolint:errorlint // ErrAbsent itself gives no reason
			absent = append(absent, err)
		}
	}
	err := ErrNoOpener
	if len(absent) > 0 {
		err = fmt.Errorf("%w: %w", err, absent)
	}
	if options.Only != "" {
		err = &OpenerError{options.Only, err}
	}
	return MasterKey{}, err
}

// methodOrder returns the methods in the order in which they are tried with these options.
func methodOrder(options UnlockOptions) []method {
	if !options.PassphraseFirst {
		return methods
	}
	return append([]method{{Passphrase, openByPassphrase}}, methods...)
}

// absentErrors contains the errors of openers that are not available.
type absentErrors []error

func (e absentErrors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (absentErrors) Is(target error) bool { return target == ErrAbsent }

// openByPlugin tries the plugins one after the other, because only a plugin can find out whether its key is
// available.
func openByPlugin(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.options.Plugin == nil {
		return MasterKey{}, ErrAbsent
	}
	if a.options.LockPlugins != nil {
		under, release, err := a.options.LockPlugins(ctx, a.dir)
		if err != nil {
			return MasterKey{}, err
		}
		defer release()
		ctx = under
	}
	var failed error
	for _, o := range openers {
		id, err := plugin.NewIdentity(o.Identity, a.options.Plugin.client(ctx))
		if err != nil {
			return MasterKey{}, &OpenerError{o.Name, err}
		}
		var k MasterKey
		err = program.StartByLibrary(ctx, func() (err error) {
			k, err = unwrap(a.envelope, id)
			return err
		})
		if err == nil {
			return k, nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return MasterKey{}, cause // the plugin only reports that its question was not answered
		}
		err = &OpenerError{o.Name, err}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	return MasterKey{}, failed
}

// openByWords prompts for recovery words.
func openByWords(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.options.Words == nil {
		return MasterKey{}, ErrAbsent
	}
	o := openers[0]
	text, err := a.options.Words(ctx, o.Name)
	if err != nil {
		return MasterKey{}, err
	}
	id, err := WordsIdentity(text)
	if err != nil {
		return MasterKey{}, &OpenerError{o.Name, err}
	}
	if id.Recipient().String() != o.Recipient {
		return MasterKey{}, &OpenerError{o.Name, errors.New("the words belong to another opener")}
	}
	return unwrap(a.envelope, id)
}
