package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
	"aws-vault/vault/signin"
)

func OIDCCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("oidc", "Sign in to an OIDC provider whose ID tokens AWS accepts.").HelpLong(app.Examples(
		"Sign in to the oidc-session corp.", "aws-vault oidc login corp",
		"Show who is signed in.", "aws-vault oidc status"))
	return []app.Verb{
		oidcLoginCommand(c, a),
		oidcLogoutCommand(c, a),
		oidcStatusCommand(c, a),
	}
}

const oidcNameHelp = "An oidc-session, or a profile that uses one. Default: the profile in AWS_PROFILE, or the only session."

func oidcLoginCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name, flow string
	var secret bool
	var f app.SignInFlags
	c := k.Command("login", "Sign in to an OIDC provider, if you are not signed in.").HelpLong(app.Examples(
		"Sign in with a browser.", "aws-vault oidc login corp",
		"Sign in with a code on another device.", "aws-vault oidc login --flow device corp"))
	c.Arg("session", oidcNameHelp).StringVar(&name)
	f.BindStdout(c)
	c.Flag("flow", "How to sign in: browser (on this machine) or device (type a code on any device).").
		PlaceHolder("browser|device").EnumVar(&flow, plan.FlowBrowser, plan.FlowDevice)
	c.Flag("client-secret-stdin", "Store the client secret from stdin, for a provider that requires one.").
		SetValue(app.PersonFlag{Value: &secret, Effect: "stores a long-lived secret"})
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		if name == "" {
			name, _ = a.Env.Getenv("AWS_PROFILE")
		}
		s, err := a.Open(ctx, strings.TrimSpace("oidc login "+name))
		if err != nil {
			return err
		}
		p, err := providers.one(s, name)
		if err != nil {
			return err
		}
		s.Source.User = a.Env.Person(f)
		if secret {
			if err := storeClientSecret(ctx, a, s, p.service); err != nil {
				return err
			}
		}
		if flow != "" {
			p.service.Flow = flow
		}
		token, err := s.Source.OpenID(p.service).SignIn(ctx)
		if err != nil {
			return err
		}
		a.Print("Signed in to %s (%s) as %s.\n", p.service.Label(), p.service.Issuer, printable.Text(token.Subject))
		return nil
	}}
}

// maxClientSecret limits the size of a client secret, in bytes.
const maxClientSecret = 4096

func storeClientSecret(ctx context.Context, a *app.App, s *app.Session, to plan.OIDC) error {
	text, err := app.ReadText(a.Env.Stdin, maxClientSecret+1)
	if err != nil {
		return err
	}
	secret := string(text)
	if secret == "" || len(text) > maxClientSecret || strings.ContainsAny(secret, "\r\n") {
		return fmt.Errorf("stdin has %d bytes and is not a client secret, expected one line of at most %d bytes", min(len(text), maxClientSecret), maxClientSecret)
	}
	return s.Source.OpenID(to).StoreSecret(ctx, secret)
}

func oidcLogoutCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var secret bool
	c := k.Command("logout", "Sign out, at the provider and on this computer, and remove the sessions of the sign-in.").HelpLong(app.Examples(
		"Sign out of the oidc-session corp.", "aws-vault oidc logout corp",
		"Sign out of all OIDC providers.", "aws-vault oidc logout"))
	c.Arg("session", "An oidc-session, or a profile that uses one. Default: all sessions.").StringVar(&name)
	c.Flag("forget-client-secret", "Also delete the stored client secret.").BoolVar(&secret)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, all, err := openProviders(ctx, a, "oidc logout", name)
		if err != nil {
			return err
		}
		return signOutOf(a, all, func(to plan.OIDC) string { return to.Issuer }, func(t target[plan.OIDC]) (bool, error) {
			signedIn, err := oidcSignOut(ctx, a, s, t)
			if err == nil && secret {
				err = s.Source.OpenID(t.service).RemoveSecret(ctx)
			}
			return signedIn, err
		})
	}}
}

// oidcSignOut ends a sign-in and removes the sessions that were created with it. The result is false if there was no
// sign-in.
func oidcSignOut(ctx context.Context, a *app.App, s *app.Session, t target[plan.OIDC]) (bool, error) {
	signedIn, err := s.Source.OpenID(t.service).Logout(ctx)
	var refused *signin.GrantError
	var configuration *signin.ConfigurationError
	var unreachable *awsapi.UnreachableError
	var timeout *awsapi.TimeoutError
	if errors.As(err, &refused) || errors.As(err, &configuration) || errors.As(err, &unreachable) || errors.As(err, &timeout) {
		warnNotEnded(a, "provider", err)
		err = nil
	}
	if err != nil {
		return signedIn, err
	}
	return signedIn, t.removeSessions(ctx, s)
}

// providers finds the OIDC providers in the config file. If several profiles use the same provider, it uses the
// settings of the profile on the command line.
var providers = serviceKind[plan.OIDC]{
	sessions: (*profile.File).OIDCSessions, sessionSetting: "oidc_session", startSetting: "oidc_issuer",
	serviceOf: plan.Provider,
	prefer:    func(_, named plan.OIDC) plan.OIDC { return named },
}

// openProviders opens the vault and returns the provider with this name, or all providers if the name is empty.
func openProviders(ctx context.Context, a *app.App, verb, name string) (*app.Session, []target[plan.OIDC], error) {
	s, err := a.Open(ctx, strings.TrimSpace(verb+" "+name))
	if err != nil {
		return nil, nil, err
	}
	all, err := providers.find(s, name)
	return s, all, err
}
