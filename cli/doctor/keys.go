package doctor

import (
	"context"
	"fmt"
	"slices"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
	"aws-vault/vault/store"
)

// checkState checks that the state folder can be used and that locks work.
func (p *probe) checkState(ctx context.Context) []doctor.Finding {
	p.App.NoStateWarned.Store(true) // the finding below replaces the warning about the state folder
	locks, state, err := p.App.Locks("doctor")
	if err != nil {
		return []doctor.Finding{doctor.ErrorFinding("state", err)}
	}
	p.locks, p.state = locks, state
	if _, err := p.App.State(); err != nil {
		return []doctor.Finding{doctor.ErrorFinding("state", err)}
	}
	if err := state.Make(); err != nil {
		return []doctor.Finding{doctor.ErrorFinding("state", err)}
	}
	_, lock, err := locks.Named(ctx, "doctor", "the checks of another aws-vault doctor")
	if err != nil {
		return []doctor.Finding{doctor.ErrorFinding("locks", err)}
	}
	lock.Close()
	return nil
}

// checkKeystore checks that the keystore can be listed and that its items are not damaged.
func (p *probe) checkKeystore(ctx context.Context) []doctor.Finding {
	if p.locks == nil {
		return nil
	}
	c := p.KeystoreConfig(p.Asker(p.locks), p.state)
	c.Openers = p.OpenersWithoutPrompt(c.Openers)
	ks, err := p.Env.OpenKeystore(ctx, c)
	if err != nil {
		return []doctor.Finding{doctor.ErrorFinding("keystore", err)}
	}
	p.KeystoreName = ks.Name
	var all []doctor.Finding
	for _, t := range ks.Skipped {
		all = append(all, doctor.Finding{Severity: doctor.Note, Where: "keystore", What: fmt.Sprintf("%s is not used: %s", t.Backend, app.Reason(t.Err))})
	}
	if last := app.PreviousKeystore(p.App); last != "" {
		all = append(all, doctor.Finding{
			Severity: doctor.Warning, Where: "keystore", What: fmt.Sprintf("keys were last written to %s, but %s is in use now", last, ks.Name),
			Remedy: fmt.Sprintf("use --backend=%s, or move the keys: aws-vault migrate-backend --from %s --to %s", last, last, ks.Name),
		})
	}
	p.keystore = ks
	s := p.Assemble(nil, p.inputs, p.locks, p.state, ks)
	if p.keys, err = s.Keys.Names(ctx); err != nil {
		return append(all, p.listFailure(ks, err))
	}
	p.listed = true
	if err := keystore.EmptyPassphrase(ks); err != nil {
		all = append(all, doctor.Finding{Severity: doctor.Warning, Where: "keystore", What: err.Error(), Err: err})
	}
	all = append(all, damageFindings(ctx, ks)...)
	for _, name := range p.keys {
		if err := keystore.CheckItem(ctx, ks.Keys, name); err != nil {
			all = append(all, doctor.ErrorFinding("keystore", err))
		}
	}
	return all
}

// checkRotations reports rotations that were interrupted, so that the user finishes them. If a key was removed after
// the interruption, the keystore no longer lists its name. So checkRotations also looks for rotations with the names
// of all profiles.
func (p *probe) checkRotations(ctx context.Context) []doctor.Finding {
	if !p.listed {
		return nil
	}
	j := store.Journals{Ring: p.keystore.Private}
	all := slices.Concat(p.keys, p.config.Profiles())
	slices.Sort(all)
	names, err := j.Interrupted(ctx, slices.Compact(all))
	if err != nil {
		return []doctor.Finding{doctor.ErrorFinding("keystore", err)}
	}
	var found []doctor.Finding
	for _, name := range names {
		f := doctor.Finding{
			Severity: doctor.Warning, Where: "keystore", What: fmt.Sprintf("the rotation of key %s was interrupted", printable.Quote(name)),
			Remedy: "aws-vault rotate --resume " + ui.QuoteWord(name),
		}
		if !slices.Contains(p.keys, name) {
			f.What += ", and the key was removed: its access keys are now only in the record of the rotation"
			f.Remedy = "restore the key with aws-vault rotate --undo " + ui.QuoteWord(name) + ", or delete the record with aws-vault remove " + ui.QuoteWord(name)
		}
		found = append(found, f)
	}
	return found
}

// A listedKeys is a ring that returns names of keys from an earlier list, so that the keystore is not opened again.
type listedKeys struct {
	keystore.Ring
	names  []string
	listed map[string]bool // the elements of the field names, as a set
}

func newListedKeys(r keystore.Ring, names []string) *listedKeys {
	listed := make(map[string]bool, len(names))
	for _, name := range names {
		listed[name] = true
	}
	return &listedKeys{r, names, listed}
}

// Names returns the names from the earlier list.
func (r *listedKeys) Names(context.Context) ([]string, error) { return r.names, nil }

// Stamp returns the same stamp for all keys. That is enough, because the doctor creates plans but no credentials.
func (r *listedKeys) Stamp(_ context.Context, name string) (string, error) {
	if !r.listed[name] {
		return "", keystore.ErrNotFound
	}
	return "listed", nil
}
