package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/store"
)

// decode reads the secret of a token that is kept.
func decode[T any](k store.Token) (T, bool) {
	var t T
	err := json.Unmarshal(k.Secret, &t)
	return t, err == nil
}

// encode makes a token to keep. Plain values of ours always can be.
func encode[T any](kind, label string, ends time.Time, t T) store.Token {
	secret, _ := json.Marshal(t)
	return store.Token{Kind: kind, Label: label, Expires: ends, Secret: secret}
}

// canRenew reports whether what a refresh token is traded for can be stored. If not, it is better
// not sent: the sign-in would be lost.
func (d *Deps) canRenew(ctx context.Context, to string, exchange *store.Exchange) (bool, error) {
	err := exchange.Prepare(ctx)
	if isUnwritable(err) {
		d.notifyOnce(fmt.Sprintf("the sign-in to %s is not renewed: %v", to, err))
		return false, nil
	}
	return err == nil, err
}

func isUnwritable(err error) bool {
	var no *store.UnwritableError
	return errors.As(err, &no)
}

// logout ends the sign-in whose token is kept under a name: by end where it was made, and here. It
// reports whether there was one. An error is of end, and the token is gone from here all the same,
// unless the keystore says otherwise.
func logout[T any](ctx context.Context, d *Deps, name string, end func(T) error) (bool, error) {
	kept, _, err := d.Tokens.Find(ctx, name)
	if err != nil {
		return false, err
	}
	t, held := decode[T](kept)
	if !held {
		return false, nil
	}
	err = end(t)
	_, warnings, removing := d.Tokens.Remove(ctx, func(e store.Entry) bool { return e.Name == name })
	d.warn(warnings)
	if removing != nil {
		return true, removing
	}
	return true, err
}
