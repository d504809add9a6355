package app

import (
	"context"
	"path/filepath"
	"slices"

	"aws-vault/vault/disk"
	"aws-vault/vault/identitykeys"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// loginCache is where the AWS CLI keeps what aws login gave.
func (e *Env) loginCache() *store.LoginCache {
	dir, _ := e.Getenv("AWS_LOGIN_CACHE_DIRECTORY")
	if dir == "" {
		dir = filepath.Join("~", ".aws", "login", "cache")
	}
	return &store.LoginCache{Dir: e.Path(dir)}
}

// TokenLabels are the sign-ins of these that are for the profiles of the config file, and
// those that no profile claims, each as list shows it. Registrations are not among them:
// they let nobody in.
func (s *Session) TokenLabels(entries []store.Entry) (of map[string][]string, unclaimed []string) {
	held := map[string]string{}
	for _, e := range entries {
		if label := tokenLabel(e); label != "" {
			held[e.Name] = label
		}
	}
	if len(held) == 0 {
		return nil, nil
	}
	of, claimed := map[string][]string{}, map[string]bool{}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		if err != nil {
			continue // who uses that profile is told
		}
		for _, token := range tokensOf(p) {
			if label, ok := held[token]; ok {
				of[name], claimed[token] = append(of[name], label), true
			}
		}
	}
	for _, e := range entries {
		if label := held[e.Name]; label != "" && !claimed[e.Name] {
			unclaimed = append(unclaimed, label)
		}
	}
	slices.Sort(unclaimed)
	return of, unclaimed
}

// tokenLabel is how list shows a token; empty for one that it does not show.
func tokenLabel(e store.Entry) string {
	switch e.Kind {
	case source.KindSSOToken:
		return "sso:" + e.Profile
	case source.KindLoginToken:
		return "login:" + e.Profile
	case source.KindOIDCToken:
		return "oidc:" + e.Profile
	}
	return ""
}

// tokensOf are the names of the tokens that a profile itself begins from.
func tokensOf(p *profile.Profile) []string {
	var names []string
	if sso, _, err := plan.Portal(p); err == nil {
		names = append(names, string(sso.Token()))
	}
	if to, err := plan.Provider(p); err == nil {
		names = append(names, string(to.Token()))
	}
	if session := p.Text("login_session"); session != "" {
		names = append(names, string(plan.Login{Session: session}.Token()))
	}
	return names
}

// Clear removes the sessions and tokens of a profile, or all, and what is shared of them
// with other programs. It returns how many of them list would have shown.
func (s *Session) Clear(ctx context.Context, name string) (int, error) {
	var of []string
	if name != "" {
		if p, err := s.Config.Resolve(name, s.Inputs); err == nil {
			of = tokensOf(p)
		}
	}
	gone, warnings, err := s.Sessions.RemoveCached(ctx,
		func(e store.Entry) bool { return name == "" || e.Profile == name },
		func(e store.Entry) bool {
			return e.Kind != source.KindOIDCSecret && (name == "" || slices.Contains(of, e.Name))
		})
	for _, w := range warnings {
		s.Warn(w)
	}
	shown := len(gone.Sessions)
	for _, e := range gone.Tokens {
		if tokenLabel(e) != "" {
			shown++
		}
	}
	if err != nil {
		return shown, err
	}
	return shown, s.unshare(name)
}

// unshare removes what was shared of the sign-in of a profile, or of all, with other
// programs.
func (s *Session) unshare(name string) error {
	if name == "" {
		return s.Source.Cache.RemoveAll()
	}
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil // nothing is known of what it signs in to
	}
	sso, _, err := plan.Portal(p)
	if err != nil {
		return nil
	}
	return s.Source.Cache.Remove(sso.CacheName())
}

// identityDir is where it is written which keys there are.
func identityDir(state *disk.Folder) *disk.Folder { return state.Folder("identities") }

func (s *Session) Identities() *identitykeys.Identities {
	return s.Source.Identities.(*identitykeys.Identities)
}

func (s *Session) ClearSessions(ctx context.Context, match func(store.Entry) bool) (int, error) {
	n, warnings, err := s.Sessions.Remove(ctx, match)
	for _, w := range warnings {
		s.Warn(w)
	}
	return n, err
}
