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

// wrap puts a key into an age envelope that each of the openers opens alone.
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

// unwrap opens an envelope with one identity.
func unwrap(envelope []byte, id age.Identity) (k MasterKey, err error) {
	r, err := age.Decrypt(bytes.NewReader(envelope), id)
	if err != nil {
		return k, err
	}
	data, err := io.ReadAll(io.LimitReader(r, keySize+1))
	if err != nil || len(data) != keySize {
		return k, errors.New("the envelope holds no key")
	}
	copy(k[:], data)
	return k, nil
}

// PluginUI returns how age's plugins speak to the user while they do something for ctx. Nil is
// a user whom they do not reach.
type PluginUI func(ctx context.Context) *plugin.ClientUI

func (ui PluginUI) client(ctx context.Context) *plugin.ClientUI {
	if ui == nil {
		return nil
	}
	return ui(ctx)
}

// A PassphrasePrompt is the question for the passphrase of an opener.
type PassphrasePrompt struct {
	Dir     string   // the store
	Openers []string // the openers that a passphrase opens
	New     bool     // it is being chosen
	Wrong   int      // how many answers were wrong already
}

// UnlockOptions are how openers are reached. A part that is nil reaches nothing.
type UnlockOptions struct {
	Only string // the name of the one opener to use; empty for any but the words of a recovery

	// PassphraseFirst says that Passphrase answers by itself, so that nobody is to touch a card instead.
	PassphraseFirst bool

	// Card finds the key of an opener on a card that is here, and asks nobody before it is used;
	// done is called when it is not needed any more. It returns an [ErrAbsent] if the card is not here.
	Card func(ctx context.Context, o Opener) (key Exchanger, done func(), err error)

	Passphrase func(ctx context.Context, ask PassphrasePrompt) (string, error)
	Words      func(ctx context.Context, name string) (string, error)
	Plugin     PluginUI

	// LockPlugins waits until no other process opens the store in dir with a plugin. It returns the context
	// for what is done until release is called. Nil does not wait.
	LockPlugins func(ctx context.Context, dir string) (under context.Context, release func(), err error)
}

// OpenMasterKey opens the master key of a store with an opener that is at hand: a card, else a
// passphrase, else a plugin. It asks no more than one of a kind, and returns [ErrNoOpener] if
// none is there.
func (h *Header) OpenMasterKey(ctx context.Context, dir string, options UnlockOptions) (MasterKey, error) {
	return h.open(ctx, dir, h.Envelope, h.Openers, options)
}

// OpenTouchKey opens the second key of a store with a hardware opener that is at hand.
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

// A way is how openers of one kind open an envelope.
type method struct {
	kind string
	open func(context.Context, attempt, []Opener) (MasterKey, error)
}

// methods are how an envelope is opened, the first that works.
var methods = []method{
	{Card, openByCard},
	{Passphrase, openByPassphrase},
	{Plugin, openByPlugin},
	{Recovery, openByWords},
}

// An attempt is an envelope that is to be opened, and what there is to open it.
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
		if err != ErrAbsent { //nolint:errorlint // alone it says nothing more
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

// methodOrder are the ways to open, in the order in which these hands try them.
func methodOrder(options UnlockOptions) []method {
	if !options.PassphraseFirst {
		return methods
	}
	return append([]method{{Passphrase, openByPassphrase}}, methods...)
}

// absentErrors is why none of some openers is here.
type absentErrors []error

func (e absentErrors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (absentErrors) Is(target error) bool { return target == ErrAbsent }

// openByPlugin asks the plugins in turn: only they know whether their keys are here.
func openByPlugin(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.options.LockPlugins != nil {
		under, release, err := a.options.LockPlugins(ctx, a.dir)
		if err != nil {
			return MasterKey{}, err
		}
		defer release()
		ctx = under
	}
	var failed []error
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
		failed = append(failed, &OpenerError{o.Name, err})
	}
	return MasterKey{}, errors.Join(failed...)
}

// openByWords asks for the words that were written down.
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
		return MasterKey{}, &OpenerError{o.Name, errors.New("these are the words of another opener")}
	}
	return unwrap(a.envelope, id)
}
