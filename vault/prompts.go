package vault

import (
	"context"

	"aws-vault/vault/plan"
)

// firstPrompt returns the first step that would prompt the user if step i were carried out again. It ignores steps
// that are not needed because a session is cached.
func (c *executor) firstPrompt(ctx context.Context, i int) (step int, prompts bool) {
	if i > 0 && !c.findCached(ctx, i-1, minInputValidity).Fresh {
		if step, prompts = c.firstPrompt(ctx, i-1); prompts {
			return step, true
		}
	}
	return i, c.vault.prompts(ctx, c.plan.Steps[i])
}

// wouldPrompt reports whether the user would be prompted if step i were carried out again.
func (c *executor) wouldPrompt(ctx context.Context, i int) bool {
	_, prompts := c.firstPrompt(ctx, i)
	return prompts
}

// prompts reports whether a step prompts the user when it is carried out.
func (v *Vault) prompts(ctx context.Context, s plan.Step) bool {
	if spec, ok := s.Spec.(plan.SSORole); ok {
		return !v.Source.SSO(plan.Endpoint{}, spec.SSO).HasToken(ctx)
	}
	if spec, ok := s.Spec.(plan.OIDCRole); ok {
		return v.Source.OpenID(spec.OIDC).Prompts(ctx)
	}
	if spec, ok := s.Spec.(plan.IdentityRole); ok {
		return spec.Hardware()
	}
	if spec, ok := s.Spec.(plan.RolesAnywhere); ok {
		_, onCard := plan.Slot(spec.PrivateKey) // a card prompts for a PIN or a touch
		return onCard
	}
	return s.MFA.Serial != "" && s.MFA.Process == ""
}

// lockDescription describes what the step is doing. Other processes print this text while they wait for the lock of
// the step.
func lockDescription(s plan.Step) string {
	if s.MFA.Serial != "" {
		return "the MFA code of " + s.MFA.Serial
	}
	return string(s.Kind) + " of profile " + s.Profile
}

// promptDescription describes what the step asks the user for.
func promptDescription(s plan.Step) string {
	switch spec := s.Spec.(type) {
	case plan.SSORole:
		return "a sign-in to " + spec.SSO.StartURL
	case plan.OIDCRole:
		return "a sign-in to " + spec.Label()
	case plan.IdentityRole:
		return "a signature with the security key of identity " + spec.Name
	case plan.RolesAnywhere:
		return "a signature with the security key " + spec.PrivateKey
	}
	return lockDescription(s)
}
