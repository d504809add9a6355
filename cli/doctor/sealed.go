package doctor

import (
	"context"
	"errors"

	"aws-vault/cli/app"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/sealed"
)

// openersWithoutPrompt are the openers that answer without anyone being asked: the doctor asks nobody.
func (p *probe) openersWithoutPrompt(h sealed.UnlockOptions) sealed.UnlockOptions {
	if app.GivenSealedPassphrase(p.App) != "" {
		return sealed.UnlockOptions{Passphrase: h.Passphrase}
	}
	return sealed.UnlockOptions{}
}

// listFailure is the finding for a keystore that could not be listed. That ours is locked is as it should be.
func (p *probe) listFailure(ks *keystore.Keystore, err error) doctor.Finding {
	if ks.Name == keystore.SealedBackend && errors.Is(err, keystore.ErrLocked) {
		return doctor.Finding{
			Severity: doctor.Note, Where: "keystore", What: "the sealed keystore is locked, so its items were not looked at", Remedy: "aws-vault unlock",
		}
	}
	return doctor.Met("keystore", err)
}

// damageFindings is what is not whole in a sealed keystore.
func damageFindings(ctx context.Context, ks *keystore.Keystore) []doctor.Finding {
	found, err := keystore.CheckSealed(ctx, ks)
	if err != nil {
		found = append(found, err)
	}
	var all []doctor.Finding
	for _, err := range found {
		all = append(all, doctor.Met("keystore", err))
	}
	return all
}

// sealedDir is where the sealed keystore lies, or would.
func (p *probe) sealedDir() string {
	c, err := p.KeystoreConfig(p.Asker(p.locks), p.state).Sealed()
	if err != nil {
		return ""
	}
	return c.Dir
}
