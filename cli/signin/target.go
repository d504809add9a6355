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

// A place is where one signs in: a portal of Identity Center or an OIDC provider.
type service interface {
	Token() plan.Digest // the same for all that share one sign-in
	Label() string
}

// A target is a place, and the profiles that begin there.
type target[P service] struct {
	service  P
	profiles []string
}

// A kind is one of the kinds of places that config files name, in sections of their own or in profiles.
type serviceKind[P service] struct {
	sessions       func(*profile.File) []string
	sessionSetting string // the setting that names a section
	startSetting   string // the setting that a profile has which names a place, whether or not by a section
	serviceOf      func(*profile.Profile) (P, error)

	// prefer decides between two mentions of one place: the first in the config file, and the one that was named.
	prefer func(first, named P) P
}

// one returns the target of a session, or of a profile or those it takes its source from. Without a name
// it is the only one there is.
func (k serviceKind[P]) one(s *app.Session, name string) (target[P], error) {
	all, err := k.find(s, name)
	switch {
	case err != nil:
		return target[P]{}, err
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return target[P]{}, &app.UsageError{Text: "no session was named, and the config file has none"}
	}
	var labels []string
	for _, t := range all {
		labels = append(labels, t.service.Label())
	}
	return target[P]{}, &app.UsageError{Text: "no session was named; there are " + strings.Join(labels, ", ")}
}

// find returns the target of that name, or all if there is no name.
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
	return slices.IndexFunc(all, func(known target[P]) bool { return known.service.Token() == to.Token() })
}

// all returns those that the config file names, each once, in the order of its sections and profiles. A
// profile that cannot be resolved is reported where it is used.
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

// settingsOf resolves a section, or the profile in a chain that names a place.
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
		return nil, &plan.NoProfileError{Name: name, Near: profile.Nearest(name, append(sessions, s.Config.Profiles()...))}
	}
	for q := p; q != nil; q = q.Source {
		if q.Set(k.startSetting) {
			return q, nil
		}
	}
	return p, nil
}

// sessionSettings are those of a section that no profile needs to name.
func (k serviceKind[P]) sessionSettings(s *app.Session, name string) (*profile.Profile, error) {
	in := s.Inputs
	in.Flags = map[string]profile.Flag{k.sessionSetting: {Name: "SESSION", Text: name}}
	return s.Config.Resolve("", in)
}

// signOutOf ends the sign-ins of targets, and says of which there was one.
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
		a.Print("Nobody was signed in.\n")
	}
	return nil
}

// removeSessions removes the sessions that were created with the sign-in of a target.
func (t target[P]) removeSessions(ctx context.Context, s *app.Session) error {
	_, err := s.ClearSessions(ctx, func(e store.Entry) bool { return slices.Contains(t.profiles, e.Root) })
	return err
}

// warnNotEnded warns of what the other side has against the end of a sign-in: here it ends in any case.
func warnNotEnded(a *app.App, there string, err error) {
	a.Warn(fmt.Errorf("the sign-in has ended here, but perhaps not at the %s: %w", there, err))
}
