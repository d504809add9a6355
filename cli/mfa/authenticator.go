package mfa

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/card/oath"
)

// An authenticator stores MFA secrets on a security key. It implements enroll.Authenticator.
type authenticator struct {
	*app.App
	asker app.Asker
	touch bool // whether the codes of new accounts require a touch
}

// An accountExistsError reports that the security key already has an account with that name.
type accountExistsError struct{ name string }

func (e *accountExistsError) Error() string {
	return fmt.Sprintf("the security key already has a TOTP account %s, which would be overwritten", e.name)
}

func (e *accountExistsError) Remedy() string {
	return "if the device no longer exists at AWS, delete the account: ykman oath accounts delete " + ui.QuoteWord(e.name)
}

// CheckAvailable checks that the security key accepts the name, and that it has no account with that name yet.
func (k authenticator) CheckAvailable(ctx context.Context, name string) error {
	if err := oath.CheckName(name); err != nil {
		return err
	}
	return k.asker.WithAccounts(ctx, func(key *oath.Key) error { return checkAvailable(key, name) })
}

func checkAvailable(key *oath.Key, name string) error {
	accounts, err := key.Accounts()
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.Name == name {
			return &accountExistsError{name}
		}
	}
	return nil
}

// Put stores a base32-encoded secret as a new account on the security key.
func (k authenticator) Put(ctx context.Context, name string, text []byte) error {
	secret, err := oath.Secret(string(text))
	if err != nil {
		return err
	}
	defer clear(secret)
	return k.asker.WithAccounts(ctx, func(key *oath.Key) error {
		if err := checkAvailable(key, name); err != nil {
			return err
		}
		return key.Put(name, secret, k.touch)
	})
}

// Delete removes the account with this name. It returns no error if there is no such account.
func (k authenticator) Delete(ctx context.Context, name string) error {
	return k.asker.WithAccounts(ctx, func(key *oath.Key) error {
		accounts, err := key.Accounts()
		if err != nil {
			return err
		}
		for _, a := range accounts {
			if a.Name != name {
				continue
			}
			if err := key.Delete(a); err != nil && !errors.Is(err, oath.ErrNoAccount) {
				return err
			}
		}
		return nil
	})
}

// CodePair returns two codes of an account: the code of the previous time step, and the current code.
func (k authenticator) CodePair(ctx context.Context, name string) (first, second string, err error) {
	err = k.asker.WithAccounts(ctx, func(key *oath.Key) (err error) {
		now := k.Env.Now()
		if first, err = k.asker.ReadCode(ctx, key, name, now.Add(-oath.DefaultPeriod)); err != nil {
			return err
		}
		second, err = k.asker.ReadCode(ctx, key, name, now)
		return err
	})
	return first, second, err
}
