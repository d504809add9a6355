package vault

import (
	"context"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

// signIns reports who is signed in, without starting a sign-in.
type signIns interface {
	openID(ctx context.Context, to plan.OIDC) (who plan.Identity, ok bool, err error)
	portal(ctx context.Context, to plan.SSO) (who string, err error)
	login(ctx context.Context, l plan.Login) (who string, err error)
}

// storedSignIns reads the stored tokens. Reading a token may open the keystore.
type storedSignIns struct{ source *source.Deps }

func (s storedSignIns) openID(ctx context.Context, to plan.OIDC) (plan.Identity, bool, error) {
	current, ok, err := s.source.OpenID(to).Stored(ctx)
	return current.Identity, ok, err
}

func (s storedSignIns) portal(ctx context.Context, to plan.SSO) (string, error) {
	return s.source.SSO(plan.Endpoint{}, to).SignInID(ctx)
}

func (s storedSignIns) login(ctx context.Context, l plan.Login) (string, error) {
	return s.source.LoginSignInID(ctx, l)
}

// indexedSignIns reads the index of tokens and never opens the keystore. The index may be out of date.
type indexedSignIns struct{ source *source.Deps }

func (s indexedSignIns) openID(_ context.Context, to plan.OIDC) (plan.Identity, bool, error) {
	who := s.source.OpenID(to).IndexedSubject()
	return plan.Identity{Subject: who}, who != "", nil
}

func (s indexedSignIns) portal(_ context.Context, to plan.SSO) (string, error) {
	return s.signedInAs(to.TokenDigest()), nil
}

func (s indexedSignIns) login(_ context.Context, l plan.Login) (string, error) {
	return s.signedInAs(l.TokenDigest()), nil
}

func (s indexedSignIns) signedInAs(token plan.Digest) string {
	e, _ := s.source.Tokens.Index.Entry(string(token))
	return e.SignedInAs
}

// identities returns who is signed in to the OIDC provider of the profile q. It returns nil if q uses no OIDC
// provider, or if no user is signed in.
func identities(ctx context.Context, q *profile.Profile, signed signIns) (map[plan.Digest]plan.Identity, error) {
	to, err := plan.Provider(q)
	if err != nil || q.Source != nil {
		return nil, nil // if a setting is missing, planning reports the error
	}
	who, ok, err := signed.openID(ctx, to)
	if err != nil || !ok {
		return nil, err
	}
	return map[plan.Digest]plan.Identity{to.TokenDigest(): who}, nil
}

// signIns returns the ID of the user's current sign-in for the profile q. This is a sign-in to the Identity Center
// portal of q, or an aws login sign-in. signIns returns nil if q uses neither.
func (v *Vault) signIns(ctx context.Context, q *profile.Profile, signed signIns) (map[plan.Digest]string, error) {
	if q.Source != nil || v.Source.Tokens == nil {
		return nil, nil
	}
	if to, _, err := plan.Portal(q); err == nil {
		who, err := signed.portal(ctx, to)
		return map[plan.Digest]string{to.TokenDigest(): who}, err
	}
	if session := q.Text("login_session"); session != "" {
		l := plan.Login{Session: session}
		who, err := signed.login(ctx, l)
		return map[plan.Digest]string{l.TokenDigest(): who}, err
	}
	return nil, nil
}
