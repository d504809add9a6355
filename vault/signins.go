package vault

import (
	"context"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

// signIns tell who is signed in, as far as it is known without anyone signing in.
type signIns interface {
	openID(ctx context.Context, to plan.OIDC) (who plan.Identity, ok bool, err error)
	portal(ctx context.Context, to plan.SSO) (who string, err error)
	login(ctx context.Context, l plan.Login) (who string, err error)
}

// storedSignIns are the tokens that are kept. To learn whose one is, it may be opened.
type storedSignIns struct{ source *source.Deps }

func (s storedSignIns) openID(ctx context.Context, to plan.OIDC) (plan.Identity, bool, error) {
	held, ok, err := s.source.OpenID(to).Stored(ctx)
	return held.Identity, ok, err
}

func (s storedSignIns) portal(ctx context.Context, to plan.SSO) (string, error) {
	return s.source.SSO(plan.Endpoint{}, to).SignInID(ctx)
}

func (s storedSignIns) login(ctx context.Context, l plan.Login) (string, error) {
	return s.source.LoginSignInID(ctx, l)
}

// indexedSignIns are what the list of tokens says. Nothing is opened for that, and it may be wrong.
type indexedSignIns struct{ source *source.Deps }

func (s indexedSignIns) openID(_ context.Context, to plan.OIDC) (plan.Identity, bool, error) {
	who := s.source.OpenID(to).IndexedSubject()
	return plan.Identity{Subject: who}, who != "", nil
}

func (s indexedSignIns) portal(_ context.Context, to plan.SSO) (string, error) {
	return s.signedInAs(to.Token()), nil
}

func (s indexedSignIns) login(_ context.Context, l plan.Login) (string, error) {
	return s.signedInAs(l.Token()), nil
}

func (s indexedSignIns) signedInAs(token plan.Digest) string {
	e, _ := s.source.Tokens.Index.Entry(string(token))
	return e.SignedInAs
}

// identities tells who is signed in to the OpenID provider that q begins from, if it does.
func identities(ctx context.Context, q *profile.Profile, signed signIns) (map[plan.Digest]plan.Identity, error) {
	to, err := plan.Provider(q)
	if err != nil || q.Source != nil {
		return nil, nil // planning reports what is wrong
	}
	who, ok, err := signed.openID(ctx, to)
	if err != nil || !ok {
		return nil, err
	}
	return map[plan.Digest]plan.Identity{to.Token(): who}, nil
}

// signIns tells which sign-in to Identity Center, or of aws login, q begins from, if it does.
func (v *Vault) signIns(ctx context.Context, q *profile.Profile, signed signIns) (map[plan.Digest]string, error) {
	if q.Source != nil || v.Source.Tokens == nil {
		return nil, nil
	}
	if to, _, err := plan.Portal(q); err == nil {
		who, err := signed.portal(ctx, to)
		return map[plan.Digest]string{to.Token(): who}, err
	}
	if session := q.Text("login_session"); session != "" {
		l := plan.Login{Session: session}
		who, err := signed.login(ctx, l)
		return map[plan.Digest]string{l.Token(): who}, err
	}
	return nil, nil
}
