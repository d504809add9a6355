package doctor

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"aws-vault/cli/app"
	"aws-vault/vault/card/oath"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
)

// checkSecurityKey checks that a security key can provide MFA codes, if a profile needs such codes. If no security key
// is connected, the finding is only a note.
func (p *probe) checkSecurityKey(ctx context.Context) []doctor.Finding {
	if !p.needsSecurityKey {
		return nil
	}
	err := app.WithSecurityKey(ctx, p.App, "", func(*oath.Key) error { return nil })
	if err == nil || errors.Is(err, oath.ErrLocked) {
		return nil
	}
	f := doctor.ErrorFinding("security key", err)
	f.Severity = doctor.Warning
	if errors.Is(err, app.ErrNoSecurityKey) {
		f.Severity = doctor.Note
	}
	return []doctor.Finding{f}
}

// checkCertificates checks the certificates that profiles use for IAM Roles Anywhere.
func (p *probe) checkCertificates(context.Context) []doctor.Finding {
	specs := slices.SortedFunc(maps.Keys(p.certificates), func(a, b plan.RolesAnywhere) int {
		return cmp.Or(cmp.Compare(a.Certificate, b.Certificate), cmp.Compare(a.PrivateKey, b.PrivateKey))
	})
	specs = slices.CompactFunc(specs, func(a, b plan.RolesAnywhere) bool {
		return a.Certificate == b.Certificate && a.PrivateKey == b.PrivateKey
	})
	s := p.Assemble(p.config, p.inputs, p.locks, p.state, &keystore.Keystore{})
	var all []doctor.Finding
	s.Source.Notify = func(m string) {
		all = append(all, doctor.Finding{Severity: doctor.Warning, What: m, Remedy: "remove the permissions of other users: chmod go= FILE"})
	}
	for _, spec := range specs {
		until, err := s.Source.CheckCertificate(spec)
		if err != nil {
			all = append(all, doctor.ErrorFinding("", err))
			continue
		}
		all = append(all, doctor.CheckCertificate(spec.Certificate, until, p.Env.Now())...)
	}
	return all
}
