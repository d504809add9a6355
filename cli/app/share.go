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

// BindShare binds the flag of those commands that can share a sign-in.
func (f *SignInFlags) BindShare(c *kingpin.CmdClause) {
	c.Flag("share-sso-token", "Also write the sign-in token to the cache of the AWS CLI, in plain text. The token is valid for some hours.").
		SetValue(PersonFlag{&f.Share, "writes a token that signs a person in"})
}

// ssoCache is where the AWS CLI keeps its tokens.
func ssoCache(a *App, state *disk.Folder) *store.SSOCache {
	return &store.SSOCache{Dir: a.Env.Path(filepath.Join("~", ".aws", "sso", "cache")), Digests: state.Folder("shared")}
}

// share gives other programs the sign-in that a plan begins with, if there is one.
func (a *App) share(ctx context.Context, s *Session, pl plan.Plan) error {
	if _, err := a.State(); err != nil { // what is written could not be noted there, and so not removed later
		return err
	}
	spec, ok := pl.Steps[0].Spec.(plan.SSORole)
	if !ok {
		a.Note("--share-sso-token: profile %s does not begin with a sign-in to IAM Identity Center, so nothing is shared", pl.Profile)
		return nil
	}
	t, err := s.Source.SSO(pl.Steps[0].Endpoint, spec.SSO).SignIn(ctx)
	if err != nil {
		return err
	}
	return a.ShareToken(s, spec.SSO, t)
}

// ShareToken writes a token where the AWS CLI looks for it.
func (a *App) ShareToken(s *Session, sso plan.SSO, t store.CachedToken) error {
	if err := s.Source.Cache.Share(sso.CacheName(), t, a.Env.Now()); err != nil {
		return fmt.Errorf("sharing the token in %s: %w", a.Env.Tilde(s.Source.Cache.Path(sso.CacheName())), err)
	}
	return nil
}
