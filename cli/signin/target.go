package signin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aws-vault/cli/app"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

// A service is what the user signs in to: an Identity Center portal or an OIDC provider.
type service interface {
	TokenDigest() plan.Digest // identifies the sign-in; two services that share a sign-in have the same digest
	Label() string
}

// A target is a service and the profiles that sign in to it.
type target[P service] struct {
	service  P
	profiles []string
}

// A serviceKind finds the services of one kind in the config file. The settings of a service are in a section of its
// own or in a profile.
type serviceKind[P service] struct {
	sessions       func(*profile.File) []string
	sessionSetting string // the profile setting that contains the name of a service's section
	startSetting   string // a setting that every service of this kind has, in a section or in a profile
	serviceOf      func(*profile.Profile) (P, error)

	// prefer chooses between two definitions of the same service: the first one in the config file, and the one that
	// the command line names.
	prefer func(first, named P) P
}

// one returns the target with this name. The name can be that of a section or of a profile. If the profile uses no
// service, the result is the service of its first source profile that uses one. If the name is empty, the result is
// the only target, or an error if there are several targets.
func (k serviceKind[P]) one(s *app.Session, name string) (target[P], error) {
	all, err := k.find(s, name)
	switch {
	case err != nil:
		return target[P]{}, err
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return target[P]{}, &app.UsageError{Text: "no session given, and the config file has no sessions"}
	}
	var labels []string
	for _, t := range all {
		labels = append(labels, t.service.Label())
	}
	return target[P]{}, &app.UsageError{Text: "no session given, expected one of " + strings.Join(labels, ", ")}
}

// find returns the target with this name, or all targets if name is empty.
func (k serviceKind[P]) find(s *app.Session, name string) ([]target[P], error) {
	all := k.all(s)
	if name == "" {
		return all, nil
	}
	p, err := k.settingsOf(s, name)
	if err != nil {
		return nil, err
	}
	to, err := k.serviceOf(p)
	if err != nil {
		return nil, err
	}
	found := target[P]{service: to}
	if i := indexOf(all, to); i >= 0 {
		found = target[P]{service: k.prefer(all[i].service, to), profiles: all[i].profiles}
	}
	return []target[P]{found}, nil
}

func indexOf[P service](all []target[P], to P) int {
	return slices.IndexFunc(all, func(known target[P]) bool { return known.service.TokenDigest() == to.TokenDigest() })
}

// all returns the services in the config file, in the order of sections and profiles. It returns each service once. It
// skips profiles with errors, because commands that use such a profile report the error.
func (k serviceKind[P]) all(s *app.Session) []target[P] {
	var all []target[P]
	add := func(p *profile.Profile, err error, name string) {
		if err != nil {
			return
		}
		to, err := k.serviceOf(p)
		if err != nil {
			return
		}
		i := indexOf(all, to)
		if i < 0 {
			i = len(all)
			all = append(all, target[P]{service: to})
		}
		if name != "" {
			all[i].profiles = append(all[i].profiles, name)
		}
	}
	for _, name := range k.sessions(s.Config) {
		p, err := k.sessionSettings(s, name)
		add(p, err, "")
	}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		add(p, err, name)
	}
	return all
}

// settingsOf returns the settings of the section or profile with this name. If the profile uses no service, settingsOf
// returns the settings of the first of its source profiles that uses a service.
func (k serviceKind[P]) settingsOf(s *app.Session, name string) (*profile.Profile, error) {
	sessions := k.sessions(s.Config)
	if slices.Contains(sessions, name) {
		return k.sessionSettings(s, name)
	}
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil, err
	}
	if !p.Defined {
		return nil, &plan.NoProfileError{Name: name, Near: profile.Nearest(name, append(sessions, s.Config.Profiles()...)), Unread: p.Unread}
	}
	for q := p; q != nil; q = q.Source {
		if q.Set(k.startSetting) {
			return q, nil
		}
	}
	return p, nil
}

// sessionSettings returns the settings of the section with this name. No profile needs to use the section.
func (k serviceKind[P]) sessionSettings(s *app.Session, name string) (*profile.Profile, error) {
	in := s.Inputs
	in.Flags = map[string]profile.Flag{k.sessionSetting: {Name: "SESSION", Text: name}}
	return s.Config.Resolve("", in)
}

// signOutOf ends the sign-ins of all targets in the list, and prints which sign-ins it ended.
func signOutOf[P service](a *app.App, all []target[P], address func(P) string, end func(target[P]) (bool, error)) error {
	n := 0
	for _, t := range all {
		ended, err := end(t)
		if err != nil {
			return err
		}
		if ended {
			n++
			a.Print("Signed out of %s (%s).\n", t.service.Label(), address(t.service))
		}
	}
	if n == 0 {
		a.Print("You were not signed in.\n")
	}
	return nil
}

// removeSessions removes the cached sessions that were created with the sign-in of a target.
func (t target[P]) removeSessions(ctx context.Context, s *app.Session) error {
	_, err := s.ClearSessions(ctx, func(e store.Entry) bool { return slices.Contains(t.profiles, e.Root) })
	return err
}

// warnNotEnded warns that a sign-in may still be active at the portal or provider, although the local copy is deleted.
func warnNotEnded(a *app.App, there string, err error) {
	a.Warn(fmt.Errorf("the sign-in was deleted on this computer, but may still be active at the %s: %w", there, err))
}
