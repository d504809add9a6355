package keystore

import (
	"context"
	"errors"
)

// Surveyed is one keystore that this build knows.
type Surveyed struct {
	Backend string
	ByName  bool  // never taken unless it is asked for
	Err     error // why it cannot be used; an *UnavailableError if it cannot exist here
	Chosen  bool  // Open takes it, with this configuration
}

// Survey looks which keystores can be used, in their order of preference. Nothing is listed,
// unlocked or asked: one that works here may still be locked when it is used.
func Survey(ctx context.Context, c Config) []Surveyed {
	var all []Surveyed
	open := c.Backend == "" // for the first that is not passed over
	for _, b := range backends(c) {
		s := Surveyed{Backend: b.name, ByName: b.byName, Chosen: b.name == c.Backend}
		_, s.Err = b.open(ctx, c)
		var unavailable *UnavailableError
		if open && !b.byName && !errors.As(s.Err, &unavailable) {
			s.Chosen, open = true, false
		}
		all = append(all, s)
	}
	return all
}
