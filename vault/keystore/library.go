//go:build darwin || windows || library

package keystore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/99designs/keyring"
)

// libraryConfig returns the configuration of 99designs/keyring for one ring of a keystore, with the settings of
// aws-vault 7.
func libraryConfig(c Config, kind keyring.BackendType, service string) keyring.Config {
	return keyring.Config{
		AllowedBackends:          []keyring.BackendType{kind},
		ServiceName:              service,
		KeychainName:             cmp.Or(c.KeychainName, "aws-vault"),
		KeychainTrustApplication: true,
		WinCredPrefix:            "aws-vault",
	}
}

// openLibrary returns a function that opens a keystore of 99designs/keyring. If wrap is not nil, the keystore's
// two rings are wrapped with it.
func openLibrary(kind keyring.BackendType, wrap func(Ring) Ring) func(context.Context, Config) (*Keystore, error) {
	return func(ctx context.Context, c Config) (*Keystore, error) {
		name := string(kind)
		if !slices.Contains(keyring.AvailableBackends(), kind) {
			return nil, &UnavailableError{Backend: name, Reason: "this build does not include it"}
		}
		c.catchSignals()
		part := func(service string) (Ring, error) {
			ring, err := inBackground(ctx, func() (keyring.Keyring, error) {
				return keyring.Open(libraryConfig(c, kind, service))
			})
			if err != nil || wrap == nil {
				return libraryRing{backend: name, ring: ring}, err
			}
			return wrap(libraryRing{backend: name, ring: ring}), nil
		}
		keys, err := part(service)
		var privateItems Ring
		if err == nil {
			privateItems, err = part(service + "-private")
		}
		if errors.Is(err, keyring.ErrNoAvailImpl) {
			return nil, &UnavailableError{Backend: name, Reason: "this system does not support it"}
		}
		if err != nil {
			return nil, err
		}
		return &Keystore{Name: name, Keys: keys, Private: privateRing{ring: privateItems, location: name}}, nil
	}
}

// inBackground calls the function act in a goroutine, because act accepts no context. If ctx ends first,
// inBackground returns without waiting for act.
func inBackground[T any](ctx context.Context, act func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	if err := context.Cause(ctx); err != nil {
		var none T
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		value, err := act()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// A libraryRing is one of the two rings of a keystore of 99designs/keyring.
type libraryRing struct {
	backend string
	ring    keyring.Keyring
}

// error converts an error of the library into an error of this package.
func (r libraryRing) error(ctx context.Context, err error) error {
	switch {
	case err == nil || context.Cause(ctx) != nil:
		return err
	case errors.Is(err, keyring.ErrKeyNotFound):
		return ErrNotFound
	}
	return &libraryError{backend: r.backend, err: err}
}

// libraryError is an error of the system's keystore.
type libraryError struct {
	backend string
	err     error
}

func (e *libraryError) Error() string { return e.backend + ": " + e.err.Error() }
func (e *libraryError) Unwrap() error { return e.err }

func (r libraryRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	it, err := inBackground(ctx, func() (keyring.Item, error) { return r.ring.Get(name) })
	if err != nil {
		return Item{}, r.error(ctx, err)
	}
	return Item{
		Name:        name,
		Label:       it.Label,
		Description: it.Description,
		Data:        it.Data,
		Untrusted:   it.KeychainNotTrustApplication,
	}, nil
}

func (r libraryRing) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	_, err := inBackground(ctx, func() (struct{}, error) {
		return struct{}{}, r.ring.Set(keyring.Item{
			Key:                         it.Name,
			Label:                       it.Label,
			Description:                 it.Description,
			Data:                        it.Data,
			KeychainNotTrustApplication: it.Untrusted,
		})
	})
	return r.error(ctx, err)
}

func (r libraryRing) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	_, err := inBackground(ctx, func() (struct{}, error) { return struct{}{}, r.ring.Remove(name) })
	return r.error(ctx, err)
}

func (r libraryRing) Names(ctx context.Context) ([]string, error) {
	names, err := inBackground(ctx, r.ring.Keys)
	slices.Sort(names)
	return names, r.error(ctx, err)
}

// Stamp returns the time of the last write, with a precision of 1 s. It returns "" if the keystore does not store
// this time.
func (r libraryRing) Stamp(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	data, err := inBackground(ctx, func() (keyring.Metadata, error) { return r.ring.GetMetadata(name) })
	if errors.Is(err, keyring.ErrMetadataNotSupported) || errors.Is(err, keyring.ErrMetadataNeedsCredentials) {
		return "", r.find(ctx, name)
	}
	if err != nil || data.ModificationTime.IsZero() {
		return "", r.error(ctx, err)
	}
	return data.ModificationTime.UTC().Format(time.RFC3339Nano), nil
}

// find returns ErrNotFound if the ring does not list name.
func (r libraryRing) find(ctx context.Context, name string) error {
	names, err := r.Names(ctx)
	if err == nil && !slices.Contains(names, name) {
		err = ErrNotFound
	}
	return err
}

// Check does nothing, because the operating system prompts during the write.
func (r libraryRing) Check(ctx context.Context) error { return context.Cause(ctx) }
