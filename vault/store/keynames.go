package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
)

// NameError reports a key name that aws-vault 7 treats as the name of one of its own sessions or tokens. If
// aws-vault 7 uses the same keystore, it hides such a key and deletes it at the next run.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("key name %s is reserved: aws-vault 7 treats such a name as a session and deletes it", printable.Quote(e.Name))
}

// SharedNameError reports a key name that the keystore does not distinguish from the name of another key. An
// example is "Prod" on a disk where "prod" is the same file. Storing a key under the new name would overwrite the
// other key.
type SharedNameError struct {
	Name  string
	Other string // the other key's name; empty if it is unknown
}

func (e *SharedNameError) Error() string {
	other := "another name"
	if e.Other != "" {
		other = printable.Quote(e.Other)
	}
	return fmt.Sprintf("key name %s: this keystore treats it as the same name as %s", printable.Quote(e.Name), other)
}

// checkShared returns a [*SharedNameError] if the keystore finds an item under this name, although the keystore's
// list of names does not contain the name.
func (k *Keys) checkShared(ctx context.Context, name string) error {
	if _, err := k.Ring.Stamp(ctx, name); errors.Is(err, keystore.ErrNotFound) {
		return nil
	}
	names, err := k.Ring.Names(ctx)
	if err != nil || slices.Contains(names, name) {
		return err
	}
	e := &SharedNameError{Name: name}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		e.Other = names[i]
	}
	return e
}

// reservedNames matches the names that aws-vault 7 uses for sessions and tokens. The pattern is deliberately
// wider than necessary. Refusing a harmless name does no harm, but a key that aws-vault 7 deletes is lost.
var reservedNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)^(?:oidc:.*|[^,]+,[^,]+,[^,]*,[0-9]+|session:.*:.*:[^:]+|.* session \([0-9]+\))$`)
})

func checkKeyName(name string) error {
	if reservedNames().MatchString(name) {
		return &NameError{Name: name}
	}
	return nil
}

// legacySession matches the session names of aws-vault 5, 6 and 7. They all end in a Unix time of ten digits. Ten
// digits represent a time between 2001 and 2286.
var legacySession = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:sts\.GetSessionToken|sts\.AssumeRole|sts\.AssumeRoleWithWebIdentity|sso\.GetRoleCredentials|credential_process|session),([^,]+),([^,]*),[0-9]{10}$`)
})

// isLegacy reports whether name has the exact form of a session or token name of an older aws-vault. [Keys.Names]
// leaves out these names, so a key that isLegacy matched by mistake would seem lost. Therefore isLegacy matches fewer
// names than [Keys.Put] refuses.
func isLegacy(name string) bool {
	if strings.HasPrefix(name, "oidc:https://") || strings.HasPrefix(name, "oidc:http://") {
		return true
	}
	parts := legacySession().FindStringSubmatch(name)
	return parts != nil && isBase64(parts[1]) && isBase64(parts[2])
}

func isBase64(s string) bool {
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil
}
