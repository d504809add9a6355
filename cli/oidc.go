package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

func oidcCommand(k *kingpin.Application, a *app) {
	c := k.Command("oidc", "Sign in to an OpenID provider whose ID tokens AWS takes.")
	oidcLoginCommand(c, a)
	oidcLogoutCommand(c, a)
	oidcStatusCommand(c, a)
}

const oidcNameHelp = "The oidc-session, or a profile that uses one; AWS_PROFILE, or the only session there is, if there is none."

func oidcLoginCommand(k *kingpin.CmdClause, a *app) {
	var name, flow string
	var secret bool
	var f signInFlags
	c := k.Command("login", "Sign in, unless you are.")
	c.Arg("session", oidcNameHelp).StringVar(&name)
	f.bindStdout(c)
	c.Flag("flow", "How to sign in: with a browser of this machine, or with a code typed on any device.").
		PlaceHolder("browser|device").EnumVar(&flow, plan.FlowBrowser, plan.FlowDevice)
	c.Flag("client-secret-stdin", "Keep the client secret that stdin holds, for a provider that insists on one.").
		SetValue(personFlag{&secret, "stores a long-lived secret"})
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		s, p, err := a.openProvider(ctx, "oidc login", name)
		if err != nil {
			return err
		}
		s.Source.Person = a.person(f)
		if secret {
			if err := a.keepClientSecret(ctx, s, p.to); err != nil {
				return err
			}
		}
		if flow != "" {
			p.to.Flow = flow
		}
		who, err := s.Source.OpenID(p.to).SignIn(ctx)
		if err != nil {
			return err
		}
		a.print("Signed in to %s (%s) as %s.\n", p.to.Label(), p.to.Issuer, shown(who.Subject))
		return nil
	}})
}

// maxClientSecret bounds what is read of a client secret, in bytes.
const maxClientSecret = 4096

func (a *app) keepClientSecret(ctx context.Context, s *session, to plan.OIDC) error {
	text, err := io.ReadAll(io.LimitReader(a.env.Stdin, maxClientSecret+1))
	if err != nil {
		return err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(text) > maxClientSecret || strings.ContainsAny(secret, "\r\n") {
		return fmt.Errorf("stdin has %d bytes that are no client secret, want one line of up to %d", min(len(text), maxClientSecret), maxClientSecret)
	}
	return s.Source.OpenID(to).KeepSecret(ctx, secret)
}

func oidcLogoutCommand(k *kingpin.CmdClause, a *app) {
	var name string
	var secret bool
	c := k.Command("logout", "Sign out, there and here, and forget the sessions of that sign-in.")
	c.Arg("session", "The oidc-session, or a profile that uses one; all if there is none.").StringVar(&name)
	c.Flag("forget-client-secret", "Forget the client secret, too.").BoolVar(&secret)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		s, all, err := a.openProviders(ctx, "oidc logout", name)
		if err != nil {
			return err
		}
		n := 0
		for _, p := range all {
			out, err := a.oidcSignOut(ctx, s, p)
			if err == nil && secret {
				err = s.Source.OpenID(p.to).ForgetSecret(ctx)
			}
			if err != nil {
				return err
			}
			if out {
				n++
				a.print("Signed out of %s (%s).\n", p.to.Label(), p.to.Issuer)
			}
		}
		if n == 0 {
			a.print("Nobody was signed in.\n")
		}
		return nil
	}})
}

// oidcSignOut ends one sign-in with all that was made with it. What the provider has
// against it is a warning: here it ends in any case.
func (a *app) oidcSignOut(ctx context.Context, s *session, p provider) (bool, error) {
	held, err := s.Source.OpenID(p.to).Logout(ctx)
	var refused *signin.GrantError
	var odd *signin.ConfigurationError
	var silent *awsapi.UnreachableError
	var late *awsapi.TimeoutError
	if errors.As(err, &refused) || errors.As(err, &odd) || errors.As(err, &silent) || errors.As(err, &late) {
		a.warn(fmt.Errorf("the sign-in has ended here, but perhaps not at the provider: %w", err))
		err = nil
	}
	if err != nil {
		return held, err
	}
	_, err = s.clearSessions(ctx, func(e store.Entry) bool { return slices.Contains(p.profiles, e.Root) })
	return held, err
}

// A provider is what one signs in to, and the profiles that begin there.
type provider struct {
	to       plan.OIDC
	profiles []string
}

// openProvider opens what the name means, or the only one there is.
func (a *app) openProvider(ctx context.Context, verb, name string) (*session, provider, error) {
	if name == "" {
		name, _ = a.env.Getenv("AWS_PROFILE")
	}
	s, all, err := a.openProviders(ctx, verb, name)
	switch {
	case err != nil:
		return nil, provider{}, err
	case len(all) == 1:
		return s, all[0], nil
	case len(all) == 0:
		return nil, provider{}, &usageError{"no session was named, and the config file has none"}
	}
	var labels []string
	for _, p := range all {
		labels = append(labels, p.to.Label())
	}
	return nil, provider{}, &usageError{"no session was named; there are " + strings.Join(labels, ", ")}
}

// openProviders opens what the name means, or all that the config file names.
func (a *app) openProviders(ctx context.Context, verb, name string) (*session, []provider, error) {
	s, err := a.open(ctx, strings.TrimSpace(verb+" "+name), nil, "")
	if err != nil {
		return nil, nil, err
	}
	all := s.providers()
	if name == "" {
		return s, all, nil
	}
	p, err := s.oidcSettingsOf(name)
	if err != nil {
		return nil, nil, err
	}
	to, err := plan.Provider(p)
	if err != nil {
		return nil, nil, err
	}
	one := provider{to: to}
	for _, known := range all {
		if known.to.Token() == to.Token() {
			one.profiles = known.profiles
		}
	}
	return s, []provider{one}, nil
}

// oidcSettingsOf resolves a session, or the profile in a chain that names a provider.
func (s *session) oidcSettingsOf(name string) (*profile.Profile, error) {
	if slices.Contains(s.Config.OIDCSessions(), name) {
		return s.oidcSessionSettings(name)
	}
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil, err
	}
	if !p.Defined {
		return nil, &plan.NoProfileError{Name: name, Near: profile.Nearest(name, append(s.Config.OIDCSessions(), s.Config.Profiles()...))}
	}
	for q := p; q != nil; q = q.Source {
		if q.Set("oidc_issuer") {
			return q, nil
		}
	}
	return p, nil
}

// oidcSessionSettings are those of an oidc-session that no profile needs to name.
func (s *session) oidcSessionSettings(name string) (*profile.Profile, error) {
	in := s.Inputs
	in.Flags = map[string]profile.Flag{"oidc_session": {Name: "SESSION", Text: name}}
	return s.Config.Resolve("", in)
}

// providers are those that the config file names, each once, in the order of its sessions
// and profiles. A profile that cannot be resolved is told to who uses it.
func (s *session) providers() []provider {
	var all []provider
	add := func(p *profile.Profile, err error, name string) {
		if err != nil {
			return
		}
		to, err := plan.Provider(p)
		if err != nil {
			return
		}
		i := slices.IndexFunc(all, func(known provider) bool { return known.to.Token() == to.Token() })
		if i < 0 {
			i = len(all)
			all = append(all, provider{to: to})
		}
		if name != "" {
			all[i].profiles = append(all[i].profiles, name)
		}
	}
	for _, name := range s.Config.OIDCSessions() {
		p, err := s.oidcSessionSettings(name)
		add(p, err, "")
	}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		add(p, err, name)
	}
	return all
}
