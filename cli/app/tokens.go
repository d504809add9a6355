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

// loginCache returns the folder in which the AWS CLI stores the sign-ins of its command aws login.
func (e *Env) loginCache() *store.LoginCache {
	dir, _ := e.Getenv("AWS_LOGIN_CACHE_DIRECTORY")
	if dir == "" {
		dir = filepath.Join("~", ".aws", "login", "cache")
	}
	return &store.LoginCache{Dir: e.Path(dir)}
}

// TokenLabels returns the labels that aws-vault list prints for sign-ins. The result byProfile contains the labels
// for each profile. The result unclaimed contains the labels of sign-ins that no profile uses. Client registrations
// are not sign-ins, so they are omitted.
func (s *Session) TokenLabels(entries []store.Entry) (byProfile map[string][]string, unclaimed []string) {
	labels := map[string]string{}
	for _, e := range entries {
		if label := tokenLabel(e); label != "" {
			labels[e.Name] = label
		}
	}
	if len(labels) == 0 {
		return nil, nil
	}
	byProfile, claimed := map[string][]string{}, map[string]bool{}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		if err != nil {
			continue // commands that use the profile report the error
		}
		for _, token := range tokenNames(p) {
			if label, ok := labels[token]; ok {
				byProfile[name], claimed[token] = append(byProfile[name], label), true
			}
		}
	}
	for _, e := range entries {
		if label := labels[e.Name]; label != "" && !claimed[e.Name] {
			unclaimed = append(unclaimed, label)
		}
	}
	slices.Sort(unclaimed)
	return byProfile, unclaimed
}

// tokenLabel returns the label that aws-vault list prints for a token, or an empty string for a token that is not
// listed.
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

// tokenNames returns the names of the sign-in tokens that a profile uses directly.
func tokenNames(p *profile.Profile) []string {
	var names []string
	if sso, _, err := plan.Portal(p); err == nil {
		names = append(names, string(sso.TokenDigest()))
	}
	if to, err := plan.Provider(p); err == nil {
		names = append(names, string(to.TokenDigest()))
	}
	if session := p.Text("login_session"); session != "" {
		names = append(names, string(plan.Login{Session: session}.TokenDigest()))
	}
	return names
}

// SessionsOf returns a function that reports whether a cached session belongs to a profile. Profiles share a session
// if their plans create it in the same way, but the index of the sessions names only the profile that created it. So
// SessionsOf also plans the profile, and the function accepts the sessions that this plan would use. If the profile
// cannot be planned, the function accepts only the sessions that the index lists for the profile.
func (a *App) SessionsOf(ctx context.Context, s *Session, name string) func(store.Entry) bool {
	used := map[string]bool{}
	for _, purpose := range []plan.Purpose{plan.Use, plan.Serve, plan.Console} {
		t := a.Task(s, Request{Flags: &CredentialFlags{}, For: purpose}, name)
		pl, err := s.Preview(ctx, name, t.Options)
		if err != nil {
			continue
		}
		for i, step := range pl.Steps {
			if step.Cacheable && step.Profile == name && pl.DigestKnown(i) {
				used[string(pl.Digest(i))] = true
			}
		}
	}
	return func(e store.Entry) bool { return e.Profile == name || used[e.Name] }
}

// Clear removes the sessions and tokens of a profile, and the copies that are shared with other programs. An empty
// name means all profiles. Clear returns how many sessions and tokens it removed, and counts only those that
// aws-vault list prints.
func (a *App) Clear(ctx context.Context, s *Session, name string) (int, error) {
	var tokens []string
	belongs := func(store.Entry) bool { return true }
	if name != "" {
		belongs = a.SessionsOf(ctx, s, name)
		if p, err := s.Config.Resolve(name, s.Inputs); err == nil {
			tokens = tokenNames(p)
		}
	}
	removed, warnings, err := s.Sessions.RemoveCached(ctx,
		belongs,
		func(e store.Entry) bool {
			return e.Kind != source.KindOIDCSecret && (name == "" || slices.Contains(tokens, e.Name))
		})
	for _, w := range warnings {
		s.Warn(w)
	}
	shown := len(removed.Sessions)
	for _, e := range removed.Tokens {
		if tokenLabel(e) != "" {
			shown++
		}
	}
	if err != nil {
		return shown, err
	}
	return shown, s.removeShared(name)
}

// removeShared removes the copy of a profile's token that is shared with other programs. An empty name means all
// profiles.
func (s *Session) removeShared(name string) error {
	if name == "" {
		return s.Source.Cache.RemoveAll()
	}
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil // the profile's start URL is unknown
	}
	sso, _, err := plan.Portal(p)
	if err != nil {
		return nil
	}
	return s.Source.Cache.Remove(sso.CacheName())
}

// identityDir returns the folder that contains one file for each identity. The file contains the list of the
// identity's keys.
func identityDir(state *disk.Folder) *disk.Folder { return state.Folder("identities") }

// Identities returns the store that contains the keys of identities.
func (s *Session) Identities() *identitykeys.Identities {
	return s.Source.Identities.(*identitykeys.Identities)
}

// ClearSessions removes the cached sessions that match and returns how many it removed. Sessions that cannot
// be read cause warnings.
func (s *Session) ClearSessions(ctx context.Context, match func(store.Entry) bool) (int, error) {
	n, warnings, err := s.Sessions.Remove(ctx, match)
	for _, w := range warnings {
		s.Warn(w)
	}
	return n, err
}
