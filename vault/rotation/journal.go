package rotation

import (
	"context"

	"aws-vault/vault/store"
)

// A journal records what a later run needs to finish an interrupted rotation.
type journal struct {
	journals *store.Journals
	name     string         // name of the key that is rotated
	entry    store.Rotation // contents of the journal; zero before the first write
	open     bool           // whether the journal is in the keystore, which means that a rotation is unfinished
}

// findJournal returns the journal of an interrupted rotation. If there is none, it returns a journal that is
// not open.
func (r *Rotation) findJournal(ctx context.Context) (*journal, error) {
	entry, found, err := r.Journals.Find(ctx, r.name())
	if err != nil {
		return nil, err
	}
	return &journal{journals: r.Journals, name: r.name(), entry: entry, open: found}, nil
}

// write stores the entry in the keystore.
func (j *journal) write(ctx context.Context) error {
	if err := j.journals.Put(ctx, j.entry); err != nil {
		return err
	}
	j.open = true
	return nil
}

// close removes the journal from the keystore. It is called when a later run has nothing to finish or undo.
func (j *journal) close(ctx context.Context) error {
	if err := j.journals.Remove(ctx, j.name); err != nil {
		return err
	}
	j.open = false
	return nil
}
