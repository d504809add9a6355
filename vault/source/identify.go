package source

import (
	"context"
	"fmt"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// IdentityChangedError reports that the first step's credentials do not belong to the identity in the plan. The
// caller must start again with a plan that contains the new spec, because cached sessions depend on the identity.
type IdentityChangedError struct {
	Source string    // what has changed, such as "the sign-in to https://id.example.com"
	Spec   plan.Spec // spec of the step, with the new identity
}

func (e *IdentityChangedError) Error() string {
	return fmt.Sprintf("%s changed while it was in use", e.Source)
}

// Unwrap returns [store.ErrWrongIdentity].
func (e *IdentityChangedError) Unwrap() error { return store.ErrWrongIdentity }

// Identify finds out which identity the first step of a plan will use, if the plan does not contain that identity
// yet. Identify may sign the user in, or run a program that prints a token. It returns the step's spec with the
// identity filled in, and the token, if any. The caller passes the token to [Deps.WebIdentity].
func (d *Deps) Identify(ctx context.Context, s plan.Step) (known plan.Spec, token string, err error) {
	switch spec := s.Spec.(type) {
	case plan.WebIdentity:
		if spec.TokenProcess == "" || spec.Subject != "" {
			break
		}
		token, err := d.token(ctx, s, spec)
		spec.Subject = plan.TokenSubject([]byte(token))
		return spec, token, err
	case plan.SSORole:
		if spec.SignIn != "" {
			break
		}
		sso := d.SSO(s.Endpoint, spec.SSO)
		if _, err := sso.newPortal(); err != nil {
			return nil, "", err // return before the user is prompted, because the call cannot succeed
		}
		t, err := sso.token(ctx, "")
		spec.SignIn = t.signInID()
		return spec, "", err
	case plan.OIDCRole:
		if spec.Subject != "" {
			break
		}
		if err := d.AWS.CheckEndpoint(awsapi.Endpoint(s.Endpoint)); err != nil {
			return nil, "", err
		}
		who, err := d.OpenID(spec.OIDC).SignIn(ctx)
		if err != nil {
			return nil, "", err
		}
		known, err := spec.WithIdentity(who.Identity)
		return known, "", err
	}
	return s.Spec, "", nil
}
