package store

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// NameError is returned for a key's name that aws-vault 7, which may use the same
// keystore, takes for a session or a token of its own. It would hide the key, and delete
// it at its next run.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("key name %q: aws-vault 7 takes such a name for a session and deletes it, want another", e.Name)
}

// taken are the forms of names that aws-vault 7 does not keep a key under. A form that is
// wider than its own costs a name that nobody misses; a narrower one would cost a key.
var taken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)^(?:oidc:.*|[^,]+,[^,]+,[^,]*,[0-9]+|session:.*:.*:[^:]+|.* session \([0-9]+\))$`)
})

func checkKeyName(name string) error {
	if taken().MatchString(name) {
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
