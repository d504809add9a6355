package rotation

import (
	"context"

	"aws-vault/vault/store"
)

// RestoreKey stores a key again that was removed while its rotation was unfinished, so that the rotation can be
// finished or undone. It stores the new key of the journal, or the old key if the journal has no new key. It does
// nothing if a key is stored under this name, or if there is no journal. It returns a [*store.JournalError] if the
// journal is damaged, or an error of the keystore.
func RestoreKey(ctx context.Context, keys *store.Keys, journals *store.Journals, name string) error {
	_, stored, err := keys.Fingerprint(ctx, name)
	if err != nil || stored {
		return err
	}
	j, found, err := journals.Find(ctx, name)
	if err != nil || !found {
		return err
	}
	key := j.New
	if key.AccessKeyID == "" {
		key = j.Old
	}
	return keys.PutVerified(ctx, name, key)
}
