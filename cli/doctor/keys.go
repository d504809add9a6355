package doctor

import (
	"context"
	"fmt"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

// checkState looks whether processes can keep out of each other's way.
func (p *probe) checkState(ctx context.Context) []doctor.Finding {
	p.App.NoStateWarned.Store(true) // a finding says it
	locks, state, err := p.App.Locks("doctor")
	if err != nil {
		return []doctor.Finding{doctor.Met("state", err)}
	}
	p.locks, p.state = locks, state
	if _, err := p.App.State(); err != nil {
		return []doctor.Finding{doctor.Met("state", err)}
	}
	if err := state.Make(); err != nil {
		return []doctor.Finding{doctor.Met("state", err)}
	}
	_, lock, err := locks.Named(ctx, "doctor", "what another doctor looks at")
	if err != nil {
		return []doctor.Finding{doctor.Met("locks", err)}
	}
	lock.Close()
	return nil
}

// checkKeystore looks whether the keystore can be listed, and whether its items are whole.
func (p *probe) checkKeystore(ctx context.Context) []doctor.Finding {
	if p.locks == nil {
		return nil
	}
	c := p.KeystoreConfig(p.Asker(p.locks), p.state)
	c.Openers = p.openersWithoutPrompt(c.Openers)
	ks, err := p.Env.OpenKeystore(ctx, c)
	if err != nil {
		return []doctor.Finding{doctor.Met("keystore", err)}
	}
	p.KeystoreName = ks.Name
	var all []doctor.Finding
	for _, t := range ks.Skipped {
		all = append(all, doctor.Finding{Severity: doctor.Note, Where: "keystore", What: fmt.Sprintf("%s was passed over: %s", t.Backend, app.Reason(t.Err))})
	}
	if last := app.PreviousKeystore(p.App); last != "" {
		all = append(all, doctor.Finding{
			Severity: doctor.Warning, Where: "keystore", What: fmt.Sprintf("keys were last written to %s, and %s is used now", last, ks.Name),
			Remedy: fmt.Sprintf("use --backend=%s, or: aws-vault migrate-backend --from %s --to %s", last, last, ks.Name),
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
			all = append(all, doctor.Met("keystore", err))
		}
	}
	return append(all, p.interruptedRotations(ctx)...)
}

// interruptedRotations are the rotations that somebody has to finish.
func (p *probe) interruptedRotations(ctx context.Context) []doctor.Finding {
	j := store.Journals{Ring: p.keystore.Private}
	names, err := j.Interrupted(ctx, p.keys)
	if err != nil {
		return []doctor.Finding{doctor.Met("keystore", err)}
	}
	var all []doctor.Finding
	for _, name := range names {
		all = append(all, doctor.Finding{
			Severity: doctor.Warning, Where: "keystore", What: fmt.Sprintf("the rotation of key %q was interrupted", name),
			Remedy: "aws-vault rotate --resume " + ui.QuoteWord(name),
		})
	}
	return all
}

// A listedKeys ring knows which keys there are and opens none.
type listedKeys struct {
	keystore.Ring
	names  []string
	listed map[string]bool // the same
}

func newListedKeys(r keystore.Ring, names []string) *listedKeys {
	listed := make(map[string]bool, len(names))
	for _, name := range names {
		listed[name] = true
	}
	return &listedKeys{r, names, listed}
}

// Names are those that were listed.
func (r *listedKeys) Names(context.Context) ([]string, error) { return r.names, nil }

// Stamp is the same for all: plans are made to be judged, not to be carried out.
func (r *listedKeys) Stamp(_ context.Context, name string) (string, error) {
	if !r.listed[name] {
		return "", keystore.ErrNotFound
	}
	return "listed", nil
}
