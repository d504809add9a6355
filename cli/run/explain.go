package run

import (
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

func ExplainCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f app.CredentialFlags
	var asJSON bool
	c := k.Command("explain", "Show how the credentials of a profile would be created, and why. The command does not call AWS.").HelpLong(app.Examples(
		"Explain the credentials of the profile prod.", "aws-vault explain prod",
		"Explain what the coding agent claude-code would get.", "aws-vault explain --agent claude-code prod"))
	f.BindPlan(c)
	c.Flag("agent", "Show how the credentials would be created for the coding agent with this name.").PlaceHolder("NAME").StringVar(&f.AsAgent)
	c.Flag("json", "Print the plan as JSON.").BoolVar(&asJSON)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error {
		t, err := a.Begin(ctx, app.Request{Verb: "explain", Flags: &f})
		if err != nil {
			return err
		}
		pl, err := t.Preview(ctx, t.Profile, t.Options)
		if err != nil {
			return err
		}
		cached := t.CachedSessions(pl)
		if asJSON {
			return explainJSON(a, pl, cached)
		}
		return pl.Explain(a.Env.Stdout, func(i int) string {
			e, ok := cached[i]
			switch {
			case ok:
				return fmt.Sprintf("cached until %s, for another %s", e.Expires.Local().Format(time.DateTime), e.Expires.Sub(a.Env.Now()).Truncate(time.Second))
			case pl.Steps[i].Cacheable && !pl.DigestKnown(i):
				return "unknown: it depends on the identity that step 1 returns"
			case pl.Steps[i].Cacheable && sessionNameKnown(pl):
				return "not cached"
			}
			return ""
		})
	}}}
}

func explainJSON(a *app.App, pl plan.Plan, cached map[int]store.Entry) error {
	type session struct {
		Step    int       `json:"step"` // the number of the step, counted from 1 as in the text output
		Expires time.Time `json:"expires"`
	}
	out := struct {
		plan.Plan
		Sessions []session `json:"sessions,omitempty"`
	}{Plan: pl}
	for i := range pl.Steps {
		if e, ok := cached[i]; ok {
			out.Sessions = append(out.Sessions, session{i + 1, e.Expires})
		}
	}
	return ui.PrintEscapedJSON(a.Env.Stdout, out)
}

// sessionNameKnown reports whether the session name of a plan is known. If a claim of a token sets the session name,
// the name is not known before the token is read.
func sessionNameKnown(pl plan.Plan) bool {
	spec, ok := pl.Steps[0].Spec.(plan.OIDCRole)
	return !ok || spec.Subject == "" || spec.SessionName != ""
}
