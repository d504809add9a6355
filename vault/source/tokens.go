package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/store"
)

// decode decodes the secret of a stored token.
func decode[T any](k store.Token) (T, bool) {
	var t T
	err := json.Unmarshal(k.Secret, &t)
	return t, err == nil
}

// encode encodes a token for storage. Encoding cannot fail for the types of this package.
func encode[T any](kind, label string, ends time.Time, t T) store.Token {
	secret, _ := json.Marshal(t)
	return store.Token{Kind: kind, Label: label, Expires: ends, Secret: secret}
}

// canRenew reports whether a renewed token could be stored. If not, the refresh token must not be sent, because
// the sign-in would be lost.
func (d *Deps) canRenew(ctx context.Context, to string, exchange *store.Exchange) (bool, error) {
	err := exchange.Prepare(ctx)
	if isUnwritable(err) {
		d.notifyOnce(fmt.Sprintf("the sign-in to %s cannot be renewed: %v", to, err))
		return false, nil
	}
	return err == nil, err
}

func isUnwritable(err error) bool {
	var no *store.UnwritableError
	return errors.As(err, &no)
}

// logout finds the stored sign-in with this name and passes it to the argument end, a function that ends the
// sign-in at the provider. logout then removes the sign-in from the keystore, even if the function returns an
// error or the stored sign-in is damaged. logout reports whether there was a sign-in.
func logout[T any](ctx context.Context, d *Deps, name string, end func(T) error) (bool, error) {
	stored, damage, err := d.Tokens.Find(ctx, name)
	if err != nil {
		return false, err
	}
	d.warn(damage)
	var ending error
	if t, ok := decode[T](stored); ok {
		ending = end(t)
	}
	existed, warnings, err := d.Tokens.Remove(ctx, name)
	d.warn(warnings)
	return existed, cmp.Or(err, ending)
}
