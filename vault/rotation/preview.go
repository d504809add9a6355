package rotation

import (
	"context"

	"aws-vault/vault/store"
)

// A Preview describes what a rotation would do.
type Preview struct {
	Name    string // name of the key in the keystore
	User    string
	Keys    []KeyUse
	Listed  bool // whether the user may list the keys; if false, Keys is empty and HasRoom is true
	HasRoom bool // whether AWS allows another key now

	// Interrupted is the journal of the interrupted rotation that Run would finish. It is nil if there is none.
	Interrupted *store.Rotation
}

// Preview returns what Run would do. It changes no key and no journal. It fails with a [*vault.NotUserError], a
// [*KeyReplacedError], a [*store.JournalError], or an error of the keystore or of AWS.
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
	p := Preview{Name: r.name(), User: run.user.keys.User, Listed: listed.known, HasRoom: len(listed.keys) < maxKeys}
	for _, k := range listed.keys {
		p.Keys = append(p.Keys, run.useOf(ctx, k))
	}
	if j.open {
		p.Interrupted = &j.entry
	}
	return p, nil
}
