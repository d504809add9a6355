package rotation

import (
	"context"

	"aws-vault/vault/store"
)

// A journal is what a later run needs to finish this one.
type journal struct {
	journals *store.Journals
	name     string         // rotation the key
	entry    store.Rotation // what it says, once it is written
	open     bool           // it is in the keystore, so that something is to be finished
}

// findJournal returns the journal of a run that was interrupted, or else one that is not open.
func (r *Rotation) findJournal(ctx context.Context) (*journal, error) {
	entry, found, err := r.Journals.Find(ctx, r.name())
	if err != nil {
		return nil, err
	}
	return &journal{journals: r.Journals, name: r.name(), entry: entry, open: found}, nil
}

// write puts the entry into the keystore.
func (j *journal) write(ctx context.Context) error {
	if err := j.journals.Put(ctx, j.entry); err != nil {
		return err
	}
	j.open = true
	return nil
}

// close removes the journal: nothing is left to be finished.
func (j *journal) close(ctx context.Context) error {
	if err := j.journals.Remove(ctx, j.name); err != nil {
		return err
	}
	j.open = false
	return nil
}
