package vault

import (
	"fmt"
	"slices"

	"aws-vault/vault/profile"
)

// TouchError says that a profile requires a touch for whatever is kept of it, and that the
// keystore in use cannot keep it so.
type TouchError struct{ Profile string }

func (e *TouchError) Error() string {
	return fmt.Sprintf("profile %s has require_touch, want the keystore sealed, which alone can keep a key for a touch", e.Profile)
}

// A TouchRule decides which keys and tokens open with a touch only: those of profiles that have
// require_touch.
type TouchRule struct {
	Config   *profile.File // nil where no profile is known
	Inputs   profile.Inputs
	CanTouch bool // the keystore can keep an item so that it opens with a touch only
}

// Key is for store.Keys: whether the key of a profile is to open with a touch only. In a
// keystore that cannot keep it so, it is a [*TouchError].
func (r TouchRule) Key(name string) (bool, error) {
	if !r.requires(name) {
		return false, nil
	}
	if !r.CanTouch {
		return false, &TouchError{Profile: name}
	}
	return true, nil
}

// Tokens is for store.Tokens: whether one of the profiles that begin from a token requires
// a touch. of names the tokens of a profile.
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

// requires reports whether a profile requires a touch. One that cannot be resolved is refused
// where it is used.
func (r TouchRule) requires(name string) bool {
	if r.Config == nil {
		return false
	}
	p, err := r.Config.Resolve(name, r.Inputs)
	return err == nil && p.Bool("require_touch")
}
