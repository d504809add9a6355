package doctor

import (
	"context"
	"errors"

	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
)

// listFailure returns the finding for a keystore that could not be listed. A locked sealed keystore is normal,
// so it is only a note.
func (p *probe) listFailure(ks *keystore.Keystore, err error) doctor.Finding {
	if ks.Name == keystore.SealedBackend && errors.Is(err, keystore.ErrLocked) {
		return doctor.Finding{
			Severity: doctor.Note, Where: "keystore", What: "the sealed keystore is locked, so its items were not checked", Remedy: "aws-vault unlock",
		}
	}
	return doctor.ErrorFinding("keystore", err)
}

// damageFindings reports damaged files of a sealed keystore.
func damageFindings(ctx context.Context, ks *keystore.Keystore) []doctor.Finding {
	found, err := keystore.CheckSealed(ctx, ks)
	if err != nil {
		found = append(found, err)
	}
	var all []doctor.Finding
	for _, err := range found {
		all = append(all, doctor.ErrorFinding("keystore", err))
	}
	return all
}

// sealedDir returns the directory of the sealed keystore. The directory may not exist.
func (p *probe) sealedDir() string {
	c, err := p.KeystoreConfig(p.Asker(p.locks), p.state).Sealed()
	if err != nil {
		return ""
	}
	return c.Dir
}
