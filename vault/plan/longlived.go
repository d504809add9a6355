package plan

import (
	"fmt"
	"slices"

	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

// LongLivedError reports that a plan ends with a long-lived key, but a server would provide it or a profile sets
// allow_long_lived = no.
type LongLivedError struct {
	Profile string
	Kind    Kind          // the kind of the step that returns the key
	Refusal profile.Value // the value of allow_long_lived that refuses the key; zero for a server
}

func (e *LongLivedError) Error() string {
	found := fmt.Sprintf("the plan of profile %s ends with a long-lived key (%s)", printable.Quote(e.Profile), e.Kind)
	if e.Refusal.Text == "" {
		return found + ", but a server provides only temporary credentials"
	}
	return fmt.Sprintf("%s: %s, but allow_long_lived is %s", e.Refusal.Origin, found, printable.Quote(e.Refusal.Text))
}

// checkLongLived returns a [*LongLivedError] if the last step of the plan returns a long-lived key that must not
// be provided. The value of allow_long_lived in the profile that has the key also applies to profiles that name
// this profile in source_profile. Otherwise, such a profile would be a way around the setting. The console never
// receives a key: the plan exchanges it later.
func (b *builder) checkLongLived(last Step) error {
	if last.Yields.Temporary != No || b.options.Purpose == Console {
		return nil
	}
	e := &LongLivedError{Profile: b.chain.target.Name, Kind: last.Kind}
	if b.options.Purpose == Serve {
		return e
	}
	for _, q := range slices.Backward(b.chain.profiles) {
		if q.IsNo("allow_long_lived") {
			e.Refusal = q.Value("allow_long_lived")
			return e
		}
	}
	return nil
}
