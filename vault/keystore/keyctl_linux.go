package keystore

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/keystore/kernelkey"
)

const keyctlBackend = "keyctl"

// openKeyctl opens the kernel's own keystore, where 99designs/keyring keeps it for the user.
func openKeyctl(ctx context.Context, _ Config) (*Keystore, error) { return openKernel(ctx, service) }

// openKernel opens the keyring called service among the user's own, and the one for the private
// part beside it. Neither is made before something is put into it.
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

// keyctlRing keeps the data of items and their names, and nothing else of them, as the library does.
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

// waitReady returns why nothing is asked of the kernel for the item called name.
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

// Stamp cannot tell: a key that is changed in its place, as keyctl update does, keeps its number.
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

// Check has nobody to ask.
func (r keyctlRing) Check(ctx context.Context) error { return context.Cause(ctx) }
