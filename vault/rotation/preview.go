package rotation

import (
	"context"

	"aws-vault/vault/store"
)

// A Preview is what a rotation would begin with.
type Preview struct {
	Name    string // rotation the key in the vault
	User    string
	Keys    []KeyUse
	HasRoom bool // for a new key

	// Interrupted is the journal of a rotation that was interrupted and would be gone on with; nil
	// for none.
	Interrupted *store.Rotation
}

// Preview looks what Run would do, and changes nothing. Errors are as those of Run.
func (r *Rotation) Preview(ctx context.Context) (Preview, error) {
	j, err := r.findJournal(ctx)
	if err != nil {
		return Preview{}, err
	}
	run, err := r.begin(ctx, j)
	if err != nil {
		return Preview{}, err
	}
	listed, err := run.user.list(ctx)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Name: r.name(), User: run.user.keys.User, HasRoom: len(listed) < maxKeys}
	for _, k := range listed {
		p.Keys = append(p.Keys, run.useOf(ctx, k))
	}
	if j.open {
		p.Interrupted = &j.entry
	}
	return p, nil
}
