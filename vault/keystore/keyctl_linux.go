package keystore

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/keystore/kernelkey"
)

const keyctlBackend = "keyctl"

// openKeyctl opens the keystore in the keyrings of the Linux kernel. 99designs/keyring uses the same keyring for
// its items.
func openKeyctl(ctx context.Context, _ Config) (*Keystore, error) { return openKernel(ctx, service) }

// openKernel opens the user's keyring with the given name (service), and a second keyring for private items. The
// first Put to a keyring creates the keyring.
func openKernel(ctx context.Context, service string) (*Keystore, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	part := func(name string) keyctlRing {
		return keyctlRing{kernelkey.Ring{Name: name, Permissions: kernelkey.Owner}}
	}
	keys, private := part(service), part(service+"-private")
	err := keys.ring.Usable()
	if errors.Is(err, kernelkey.ErrUnsupported) {
		return nil, &UnavailableError{Backend: keyctlBackend, Reason: err.Error()}
	}
	if err != nil {
		return nil, keyctlError(err)
	}
	return &Keystore{Name: keyctlBackend, Keys: keys, Private: privateRing{ring: private, location: keyctlBackend}}, nil
}

// A keyctlRing stores only the names and the data of items, as 99designs/keyring does.
type keyctlRing struct{ ring kernelkey.Ring }

func keyctlError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kernelkey.ErrNotFound):
		return ErrNotFound
	}
	return fmt.Errorf("%s: %w", keyctlBackend, err)
}

// checkCall returns an error if the context has ended or the name is invalid.
func (r keyctlRing) checkCall(ctx context.Context, name string) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return checkName(name)
}

func (r keyctlRing) Item(ctx context.Context, name string) (Item, error) {
	if err := r.checkCall(ctx, name); err != nil {
		return Item{}, err
	}
	data, err := r.ring.Secret(name)
	if err != nil {
		return Item{}, keyctlError(err)
	}
	return Item{Name: name, Data: data}, nil
}

func (r keyctlRing) Put(ctx context.Context, it Item) error {
	if err := r.checkCall(ctx, it.Name); err != nil {
		return err
	}
	return keyctlError(r.ring.Put(it.Name, it.Data, 0))
}

func (r keyctlRing) Remove(ctx context.Context, name string) error {
	if err := r.checkCall(ctx, name); err != nil {
		return err
	}
	return keyctlError(r.ring.Remove(name))
}

func (r keyctlRing) Names(ctx context.Context) ([]string, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	names, err := r.ring.Names()
	return names, keyctlError(err)
}

// Stamp returns "" for an item that exists. The ID of the key cannot serve as a stamp, because it stays the
// same when keyctl update changes the key.
func (r keyctlRing) Stamp(ctx context.Context, name string) (string, error) {
	if err := r.checkCall(ctx, name); err != nil {
		return "", err
	}
	has, err := r.ring.Has(name)
	if err == nil && !has {
		return "", ErrNotFound
	}
	return "", keyctlError(err)
}

// Check does nothing, because the kernel never prompts.
func (r keyctlRing) Check(ctx context.Context) error { return context.Cause(ctx) }
