package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

func OIDCCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("oidc", "Sign in to an OpenID provider whose ID tokens AWS takes.")
	return []app.Verb{
		oidcLoginCommand(c, a),
		oidcLogoutCommand(c, a),
		oidcStatusCommand(c, a),
	}
}

const oidcNameHelp = "The oidc-session, or a profile that uses one; AWS_PROFILE, or the only session there is, if there is none."

func oidcLoginCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name, flow string
	var secret bool
	var f app.SignInFlags
	c := k.Command("login", "Sign in, unless you are.")
	c.Arg("session", oidcNameHelp).StringVar(&name)
	f.BindStdout(c)
	c.Flag("flow", "How to sign in: with a browser of this machine, or with a code typed on any device.").
		PlaceHolder("browser|device").EnumVar(&flow, plan.FlowBrowser, plan.FlowDevice)
	c.Flag("client-secret-stdin", "Keep the client secret that stdin holds, for a provider that insists on one.").
		SetValue(app.PersonFlag{Given: &secret, Does: "stores a long-lived secret"})
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, p, err := openProvider(ctx, a, "oidc login", name)
		if err != nil {
			return err
		}
		s.Source.Person = a.Env.Person(f)
		if secret {
			if err := keepClientSecret(ctx, a, s, p.to); err != nil {
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
		a.Print("Signed in to %s (%s) as %s.\n", p.to.Label(), p.to.Issuer, ui.Shown(who.Subject))
		return nil
	}}
}

// maxClientSecret bounds what is read of a client secret, in bytes.
const maxClientSecret = 4096

func keepClientSecret(ctx context.Context, a *app.App, s *app.Session, to plan.OIDC) error {
	text, err := io.ReadAll(io.LimitReader(a.Env.Stdin, maxClientSecret+1))
	if err != nil {
		return err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(text) > maxClientSecret || strings.ContainsAny(secret, "\r\n") {
		return fmt.Errorf("stdin has %d bytes that are no client secret, want one line of up to %d", min(len(text), maxClientSecret), maxClientSecret)
	}
	return s.Source.OpenID(to).KeepSecret(ctx, secret)
}

func oidcLogoutCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var secret bool
	c := k.Command("logout", "Sign out, there and here, and forget the sessions of that sign-in.")
	c.Arg("session", "The oidc-session, or a profile that uses one; all if there is none.").StringVar(&name)
	c.Flag("forget-client-secret", "Forget the client secret, too.").BoolVar(&secret)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, all, err := openProviders(ctx, a, "oidc logout", name)
		if err != nil {
			return err
		}
		n := 0
		for _, p := range all {
			out, err := oidcSignOut(ctx, a, s, p)
			if err == nil && secret {
				err = s.Source.OpenID(p.to).ForgetSecret(ctx)
			}
			if err != nil {
				return err
			}
			if out {
				n++
				a.Print("Signed out of %s (%s).\n", p.to.Label(), p.to.Issuer)
			}
		}
		if n == 0 {
			a.Print("Nobody was signed in.\n")
		}
		return nil
	}}
}

// oidcSignOut ends one sign-in with all that was made with it. What the provider has
// against it is a warning: here it ends in any case.
func oidcSignOut(ctx context.Context, a *app.App, s *app.Session, p provider) (bool, error) {
	held, err := s.Source.OpenID(p.to).Logout(ctx)
	var refused *signin.GrantError
	var odd *signin.ConfigurationError
	var silent *awsapi.UnreachableError
	var late *awsapi.TimeoutError
	if errors.As(err, &refused) || errors.As(err, &odd) || errors.As(err, &silent) || errors.As(err, &late) {
		a.Warn(fmt.Errorf("the sign-in has ended here, but perhaps not at the provider: %w", err))
		err = nil
	}
	if err != nil {
		return held, err
	}
	_, err = s.ClearSessions(ctx, func(e store.Entry) bool { return slices.Contains(p.profiles, e.Root) })
	return held, err
}

// A provider is what one signs in to, and the profiles that begin there.
type provider struct {
	to       plan.OIDC
	profiles []string
}

// openProvider opens what the name means, or the only one there is.
func openProvider(ctx context.Context, a *app.App, verb, name string) (*app.Session, provider, error) {
	if name == "" {
		name, _ = a.Env.Getenv("AWS_PROFILE")
	}
	s, all, err := openProviders(ctx, a, verb, name)
	switch {
	case err != nil:
		return nil, provider{}, err
	case len(all) == 1:
		return s, all[0], nil
	case len(all) == 0:
		return nil, provider{}, &app.UsageError{Text: "no session was named, and the config file has none"}
	}
	var labels []string
	for _, p := range all {
		labels = append(labels, p.to.Label())
	}
	return nil, provider{}, &app.UsageError{Text: "no session was named; there are " + strings.Join(labels, ", ")}
}

// openProviders opens what the name means, or all that the config file names.
func openProviders(ctx context.Context, a *app.App, verb, name string) (*app.Session, []provider, error) {
	s, err := a.Open(ctx, strings.TrimSpace(verb+" "+name))
	if err != nil {
		return nil, nil, err
	}
	all := providers(s)
	if name == "" {
		return s, all, nil
	}
	p, err := oidcSettingsOf(s, name)
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
func oidcSettingsOf(s *app.Session, name string) (*profile.Profile, error) {
	if slices.Contains(s.Config.OIDCSessions(), name) {
		return oidcSessionSettings(s, name)
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
func oidcSessionSettings(s *app.Session, name string) (*profile.Profile, error) {
	in := s.Inputs
	in.Flags = map[string]profile.Flag{"oidc_session": {Name: "SESSION", Text: name}}
	return s.Config.Resolve("", in)
}

// providers are those that the config file names, each once, in the order of its sessions
// and profiles. A profile that cannot be resolved is told to who uses it.
func providers(s *app.Session) []provider {
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
		p, err := oidcSessionSettings(s, name)
		add(p, err, "")
	}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		add(p, err, name)
	}
	return all
}
