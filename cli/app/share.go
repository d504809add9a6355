package app

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// BindShare registers --share-sso-token.
func (f *SignInFlags) BindShare(c *kingpin.CmdClause) {
	c.Flag("share-sso-token", "Also write the sign-in token to the cache of the AWS CLI, in plain text. The token is valid for some hours.").
		SetValue(PersonFlag{&f.Share, "writes a token that anyone can sign in with"})
}

// ssoCache returns the folder in which the AWS CLI stores its Identity Center tokens.
func ssoCache(a *App, state *disk.Folder) *store.SSOCache {
	return &store.SSOCache{Dir: a.Env.Path(filepath.Join("~", ".aws", "sso", "cache")), Digests: state.Folder("shared")}
}

// share writes the Identity Center token of a plan's first step to the cache of the AWS CLI. If the first step
// does not use Identity Center, share prints a note.
func (a *App) share(ctx context.Context, s *Session, pl plan.Plan) error {
	if _, err := a.State(); err != nil { // without the state folder, aws-vault could not record the shared file and remove it later
		return err
	}
	spec, ok := pl.Steps[0].Spec.(plan.SSORole)
	if !ok {
		a.Note("--share-sso-token has no effect: profile %s does not use IAM Identity Center", pl.Profile)
		return nil
	}
	t, err := s.Source.SSO(pl.Steps[0].Endpoint, spec.SSO).SignIn(ctx)
	if err != nil {
		return err
	}
	return a.ShareToken(s, spec.SSO, t)
}

// ShareToken writes a token to the AWS CLI's cache of Identity Center tokens, as plain text.
func (a *App) ShareToken(s *Session, sso plan.SSO, t store.CachedToken) error {
	if err := s.Source.Cache.Share(sso.CacheName(), t, a.Env.Now()); err != nil {
		return fmt.Errorf("sharing the token in %s: %w", a.Env.Tilde(s.Source.Cache.Path(sso.CacheName())), err)
	}
	return nil
}
