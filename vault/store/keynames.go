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
)

// NameError is returned for a key's name that aws-vault 7, which may use the same
// keystore, takes for a session or a token of its own. It would hide the key, and delete
// it at its next run.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("key name %q: aws-vault 7 takes such a name for a session and deletes it, want another", e.Name)
}

// SharedNameError is returned for a key's name under which the keystore finds the item of another
// name: "Prod" on a disk where "prod" is the same file. To store one would destroy the other.
type SharedNameError struct {
	Name  string
	Other string // that the keystore lists; empty if it cannot be told
}

func (e *SharedNameError) Error() string {
	other := "another name"
	if e.Other != "" {
		other = fmt.Sprintf("%q", e.Other)
	}
	return fmt.Sprintf("key name %q: this keystore keeps it in the same item as %s, expected a name of its own", e.Name, other)
}

// checkShared returns a [*SharedNameError] for a name that is found and not listed.
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

// reservedNames are the forms of names that aws-vault 7 does not keep a key under. A form that is
// wider than its own costs a name that nobody misses; a narrower one would cost a key.
var reservedNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)^(?:oidc:.*|[^,]+,[^,]+,[^,]*,[0-9]+|session:.*:.*:[^:]+|.* session \([0-9]+\))$`)
})

func checkKeyName(name string) error {
	if reservedNames().MatchString(name) {
		return &NameError{Name: name}
	}
	return nil
}

// legacySession matches the names that aws-vault 5, 6 and 7 give to sessions, among the
// names of keys. All end in a Unix time: of ten digits, between 2001 and 2286.
var legacySession = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:sts\.GetSessionToken|sts\.AssumeRole|sts\.AssumeRoleWithWebIdentity|sso\.GetRoleCredentials|credential_process|session),([^,]+),([^,]*),[0-9]{10}$`)
})

// isLegacy reports whether another version left a session or a token under name. It is
// narrower than what [Keys.Put] refuses: a key that is hidden is as good as lost.
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
