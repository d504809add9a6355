package vault

import (
	"fmt"

	"aws-vault/vault/profile"
)

// TouchError says that a profile requires a touch for whatever is kept of it, and that the
// keystore in use cannot keep it so.
type TouchError struct{ Profile string }

func (e *TouchError) Error() string {
	return fmt.Sprintf("profile %s has require_touch, want the keystore sealed, which alone can keep a key for a touch", e.Profile)
}

// Guard is for store.Keys: whether the key of a profile is to open with a touch only. In a
// keystore that cannot keep it so, it is a [*TouchError].
func (v *Vault) Guard(name string) (bool, error) {
	if !v.requires(name) {
		return false, nil
	}
	if !v.Touch {
		return false, &TouchError{Profile: name}
	}
	return true, nil
}

// requires reports whether a profile requires a touch. One that cannot be resolved is refused
// where it is used.
func (v *Vault) requires(name string) bool {
	if v.Config == nil {
		return false
	}
	p, err := v.Config.Resolve(name, v.Inputs)
	return err == nil && p.Bool("require_touch")
}

// GuardTokens is for store.Tokens: whether one of the profiles that begin from a token requires
// a touch. tokens names those of a profile.
func (v *Vault) GuardTokens(tokens func(*profile.Profile) []string) func(token string) bool {
	return func(token string) bool {
		if v.Config == nil || !v.Touch {
			return false
		}
		for _, name := range v.Config.Profiles() {
			p, err := v.Config.Resolve(name, v.Inputs)
			if err != nil || !p.Bool("require_touch") {
				continue
			}
			for _, t := range tokens(p) {
				if t == token {
					return true
				}
			}
		}
		return false
	}
}
