package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// bindShare binds the flag of those commands that can share a sign-in.
func (f *signInFlags) bindShare(c *kingpin.CmdClause) {
	c.Flag("share-sso-token", "Write the token of the sign-in, for some hours and as plain text, where the AWS CLI looks for it.").
		SetValue(personFlag{&f.share, "writes a token that signs a person in"})
}

// ssoCache is where the AWS CLI keeps its tokens.
func (a *app) ssoCache(state *disk.Folder) *store.SSOCache {
	return &store.SSOCache{Dir: a.path(filepath.Join("~", ".aws", "sso", "cache")), Shared: state.Folder("shared")}
}

// share gives other programs the sign-in that a plan begins with, if there is one.
func (a *app) share(ctx context.Context, s *session, pl plan.Plan) error {
	if _, err := a.state(); err != nil { // what is written could not be noted there, and so not removed later
		return err
	}
	spec, ok := pl.Steps[0].Spec.(plan.SSORole)
	if !ok {
		a.note("--share-sso-token: profile %s does not begin with a sign-in to IAM Identity Center, so nothing is shared", pl.Profile)
		return nil
	}
	t, err := s.Source.SSO(pl.Steps[0].Endpoint, spec.SSO).SignIn(ctx)
	if err != nil {
		return err
	}
	return a.shareToken(s, spec.SSO, t)
}

// shareToken writes a token where the AWS CLI looks for it.
func (a *app) shareToken(s *session, sso plan.SSO, t store.CachedToken) error {
	if err := s.Source.Cache.Share(sso.CacheName(), t, a.env.Now()); err != nil {
		return fmt.Errorf("sharing the token in %s: %w", a.tilde(s.Source.Cache.Path(sso.CacheName())), err)
	}
	return nil
}
