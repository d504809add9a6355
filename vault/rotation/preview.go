package rotation

import (
	"context"

	"aws-vault/vault/store"
)

// A Preview is what a rotation would begin with.
type Preview struct {
	Name string // of the key in the vault
	User string
	Keys []KeyUse
	Room bool // for a new key

	// Left is the journal of a rotation that was interrupted and would be gone on with; nil
	// for none.
	Left *store.Rotation
}

// Preview looks what Run would do, and changes nothing. Errors are as those of Run.
func (r *Rotation) Preview(ctx context.Context) (Preview, error) {
	j, found, err := r.begin(ctx)
	if err != nil {
		return Preview{}, err
	}
	listed, err := r.list(ctx)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Name: r.name, User: r.keys.User, Room: len(listed) < mostKeys}
	for _, k := range listed {
		p.Keys = append(p.Keys, r.useOf(ctx, k))
	}
	if found {
		p.Left = &j
	}
	return p, nil
}
