package signin

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/source"
)

// signInStatus is a row of the table that oidc status prints.
type signInStatus struct {
	Session   string    `json:"session"`
	Issuer    string    `json:"issuer"`
	Client    string    `json:"client_id"`
	Subject   string    `json:"subject,omitempty"` // empty if not signed in
	Expires   time.Time `json:"id_token_expires,omitzero"`
	Renewable bool      `json:"renewable"`
	Profiles  []string  `json:"profiles"`

	state string
}

func oidcStatusCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var asJSON bool
	c := k.Command("status", "Show who is signed in to which provider. The command does not call the providers.").HelpLong(app.Examples(
		"Show all sign-ins.", "aws-vault oidc status",
		"Print the sign-in of one session, for a script.", "aws-vault oidc status --json corp"))
	c.Arg("session", "An oidc-session, or a profile that uses one. Default: all sessions.").StringVar(&name)
	c.Flag("json", "Print the status as JSON.").BoolVar(&asJSON)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, all, err := openProviders(ctx, a, "oidc status", name)
		if err != nil {
			return err
		}
		rows := []signInStatus{}
		for _, p := range all {
			token, ok, err := s.Source.OpenID(p.service).Stored(ctx)
			if err != nil {
				return err
			}
			row := signInStatus{Session: p.service.Label(), Issuer: p.service.Issuer, Client: p.service.Client, Profiles: append([]string{}, p.profiles...), state: "not signed in"}
			if ok {
				row.Subject, row.Expires, row.Renewable, row.state = token.Subject, token.Expires, token.Renewable, signInState(token, a.Env.Now())
			}
			rows = append(rows, row)
		}
		if asJSON {
			return ui.PrintEscapedJSON(a.Env.Stdout, rows)
		}
		return statusTable(a, rows)
	}}
}

func statusTable(a *app.App, rows []signInStatus) error {
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "Session\tProvider\tSigned in as\tID token\tProfiles\n=======\t========\t============\t========\t========\n")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", ui.Cell(r.Session), ui.Cell(r.Issuer), ui.Cell(r.Subject), r.state, ui.Cell(strings.Join(r.Profiles, ", ")))
	}
	return w.Flush()
}

// signInState returns the text for the status table that shows how long a sign-in is valid.
func signInState(token source.OpenIDSignIn, now time.Time) string {
	switch {
	case token.Expires.After(now):
		return "until " + token.Expires.Local().Format(time.DateTime)
	case token.Renewable:
		return "renewed on next use"
	}
	return "expired " + token.Expires.Local().Format(time.DateTime)
}
