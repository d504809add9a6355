package vault

import (
	"fmt"
	"slices"

	"aws-vault/vault/profile"
)

// TouchError reports that a profile has require_touch, but the keystore cannot protect its keys with a touch.
type TouchError struct{ Profile string }

func (e *TouchError) Error() string {
	return fmt.Sprintf("profile %s has require_touch, which only the sealed keystore supports", e.Profile)
}

// A TouchRule decides which keys and tokens can be opened only with a touch. These are the keys and tokens of
// profiles with require_touch.
type TouchRule struct {
	Config   *profile.File // nil if no config file was read
	Inputs   profile.Inputs
	CanTouch bool // whether the keystore can protect an item with a touch
}

// Key reports whether the key of the named profile must be protected with a touch. It returns a [*TouchError] if
// the keystore cannot do that. It is used as the callback NeedsTouch of store.Keys.
func (r TouchRule) Key(name string) (bool, error) {
	if !r.requires(name) {
		return false, nil
	}
	if !r.CanTouch {
		return false, &TouchError{Profile: name}
	}
	return true, nil
}

// Tokens returns a callback for store.Tokens. The callback reports whether a token must be protected with a touch.
// This is the case if a profile with require_touch uses the token. The parameter called of is a function that
// returns the tokens of a profile.
func (r TouchRule) Tokens(of func(*profile.Profile) []string) func(token string) bool {
	return func(token string) bool {
		if r.Config == nil || !r.CanTouch {
			return false
		}
		for _, name := range r.Config.Profiles() {
			p, err := r.Config.Resolve(name, r.Inputs)
			if err == nil && p.Bool("require_touch") && slices.Contains(of(p), token) {
				return true
			}
		}
		return false
	}
}

// requires reports whether a profile has require_touch. It is false for a profile that cannot be resolved:
// using that profile reports the error.
func (r TouchRule) requires(name string) bool {
	if r.Config == nil {
		return false
	}
	p, err := r.Config.Resolve(name, r.Inputs)
	return err == nil && p.Bool("require_touch")
}
