package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/identity"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
)

func PolicyCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("policy", "Create and check the trust policies of roles.").HelpLong(app.Examples(
		"Print the trust policy that the role of the profile prod needs.", "aws-vault policy trust prod",
		"Check a trust policy in a file.", "aws-vault policy lint trust.json"))
	return []app.Verb{
		policyTrustCommand(c, a),
		policyLintCommand(c, a),
	}
}

type trustFlags struct {
	app.CredentialFlags
	principal string
	token     plan.TokenClaims
}

func policyTrustCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var f trustFlags
	c := k.Command("trust", "Print the trust policy that the role of a profile needs. The command does not call AWS.").HelpLong(app.Examples(
		"Print the trust policy for the role of the profile prod.", "aws-vault policy trust prod",
		"Name the user who assumes the role.", "aws-vault policy trust prod --principal arn:aws:iam::123456789012:user/alice"))
	c.Arg("profile", "Profile to use.").Envar("AWS_PROFILE").StringVar(&f.Profile)
	c.Flag("principal", "ARN of the user or role that assumes the role, if the config file does not show it.").PlaceHolder("ARN").StringVar(&f.principal)
	c.Flag("issuer", "Issuer of the token that the role is assumed with.").PlaceHolder("URL").StringVar(&f.token.Issuer)
	c.Flag("audience", "Audience of that token.").PlaceHolder("NAME").StringVar(&f.token.Audience)
	c.Flag("subject", "Subject of that token.").PlaceHolder("NAME").StringVar(&f.token.Subject)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error { return policyTrust(ctx, a, f) }}
}

func policyTrust(ctx context.Context, a *app.App, f trustFlags) error {
	t, err := a.Begin(ctx, app.Request{Verb: "policy trust", Flags: &f.CredentialFlags})
	if err != nil {
		return err
	}
	o := t.Options
	o.Agent = policy.Agent{} // the trust policy is the same for people and coding agents
	pl, err := t.Session.Plan(ctx, t.Profile, o)
	if err != nil {
		return err
	}
	o.Agent = policy.Agent{Name: "agent"}
	agents, agentErr := t.Session.Plan(ctx, t.Profile, o) // if agentErr is not nil, coding agents cannot get a session, so the policy needs no tags for agents
	if pl.Account == "" {
		pl.Account = t.Session.CachedAccount(ctx, pl)
	}
	trust, notes, err := pl.Trust(tokenOf(a, pl, f.token), agentErr == nil && agents.TagsAgent(), f.principal)
	if err != nil {
		return err
	}
	for _, n := range notes {
		a.Note("%s", n)
	}
	text, err := trust.Document()
	if err != nil {
		return err
	}
	a.Print("%s", text)
	return nil
}

// maxTokenFile limits the size of a token file, in bytes.
const maxTokenFile = 64 << 10

// tokenOf returns the claims that flags set. Claims that no flag sets are read from the token file of the plan. The
// signature of the token is not checked, because the user reviews the resulting policy.
func tokenOf(a *app.App, pl plan.Plan, t plan.TokenClaims) plan.TokenClaims {
	spec, ok := pl.Steps[0].Spec.(plan.WebIdentity)
	if !ok || spec.TokenFile == "" {
		return t
	}
	f, err := a.Env.OpenFile(spec.TokenFile)
	if err != nil {
		return t
	}
	defer f.Close()
	text, err := app.ReadText(f, maxTokenFile)
	if err != nil {
		return t
	}
	claims := claimsOf(string(text))
	t.Pinned = claims.Pinned
	for _, v := range []struct {
		into *string
		from string
	}{{&t.Issuer, claims.Issuer}, {&t.Audience, claims.Audience}, {&t.Subject, claims.Subject}} {
		if *v.into == "" {
			*v.into = v.from
		}
	}
	return t
}

// claimsOf reads the claims of a token without checking the token's signature. If the token has the claims azp and aud,
// claimsOf uses azp, as AWS does.
func claimsOf(token string) plan.TokenClaims {
	var c struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Party    string          `json:"azp"`
		Audience json.RawMessage `json:"aud"`
	}
	if !identity.ReadUnverified(strings.TrimSpace(token), &c) {
		return plan.TokenClaims{}
	}
	t := plan.TokenClaims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Party, Pinned: len(identity.PinnedRoles(strings.TrimSpace(token))) > 0}
	if t.Audience == "" {
		var list []string
		if json.Unmarshal(c.Audience, &t.Audience) != nil && json.Unmarshal(c.Audience, &list) == nil && len(list) == 1 {
			t.Audience = list[0]
		}
	}
	return t
}

func policyLintCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var file string
	var strict bool
	c := k.Command("lint", "Check a role's trust policy. The exit status is 1 if anyone other than the intended callers can assume the role.").HelpLong(app.Examples(
		"Check a policy in a file.", "aws-vault policy lint trust.json",
		"Check the policy that aws-vault suggests for the profile prod.", "aws-vault policy trust prod | aws-vault policy lint -"))
	c.Arg("file", "File with the policy in JSON, or - for stdin.").Required().StringVar(&file)
	c.Flag("strict", "Also check whether session tags and a source identity are allowed. The exit status is 1 if there is any finding.").BoolVar(&strict)
	return app.Verb{Command: c, Agents: true, Run: func(context.Context) error { return policyLint(a, file, strict) }}
}

// maxPolicyFile limits the size of a policy, in bytes.
const maxPolicyFile = 64 << 10

// policyLint prints the findings for the trust policy in a file. If strict is false, it prints no advice, and only
// failures change the exit status.
func policyLint(a *app.App, file string, strict bool) error {
	var r io.Reader = a.Env.Stdin
	name := "stdin"
	if file != "" && file != "-" { // kingpin passes the argument "-" as an empty string
		f, err := a.Env.OpenFile(file)
		if err != nil {
			return err
		}
		defer f.Close()
		r, name = f, file
	}
	text, err := app.ReadText(r, maxPolicyFile+1)
	if err != nil {
		return err
	}
	found, err := policy.Lint(text)
	var bad *policy.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", name, bad)
	}
	if err != nil {
		return err
	}
	failed := false
	for _, f := range found {
		if f.Severity == policy.Advice && !strict {
			continue
		}
		failed = failed || strict || f.Severity == policy.Failure
		a.Print("statement %d: %s: %s: %s\n", f.Statement, f.Severity, f.Rule, f.Text)
	}
	if failed {
		return app.StatusError(app.StatusFailed)
	}
	return nil
}
