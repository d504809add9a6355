// Package doctor has the command that checks the installation, the config files and the keystores.
package doctor

import (
	"context"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/hint"
	"aws-vault/cli/ui"
	"aws-vault/vault/disk"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

func Command(k *kingpin.Application, a *app.App) []app.Verb {
	var asJSON, offline bool
	c := k.Command("doctor", "Check your configuration, and suggest a fix for each problem. The exit status is 1 if something will fail.").HelpLong(app.Examples(
		"Check the config file, the keystore, and access to AWS.", "aws-vault doctor",
		"Check without a network, for a script.", "aws-vault doctor --offline --json"))
	c.Flag("json", "Print the findings as JSON.").BoolVar(&asJSON)
	c.Flag("offline", "Do not call AWS.").BoolVar(&offline)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error {
		p := probe{App: a, offline: offline}
		for _, check := range checks {
			p.found = append(p.found, check(&p, ctx)...)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		return report(a, p.found, asJSON)
	}}}
}

// A probe is one run of the doctor command. Each check stores in the probe what later checks need.
type probe struct {
	*app.App
	offline bool
	found   []doctor.Finding

	config           *profile.File // the parsed config file; an empty File if the config file cannot be read
	inputs           profile.Inputs
	locks            *store.Locks // nil if the path of the state folder is not known
	state            *disk.Folder
	keystore         *keystore.Keystore // nil if the keystore cannot be opened
	keys             []string           // names of the stored keys; valid only if the field listed is true
	listed           bool
	needsPrompt      bool // whether a profile needs an MFA code that the user types
	needsSecurityKey bool // whether a profile needs an MFA code from a security key
	certificates     map[plan.RolesAnywhere]bool
}

// checks lists the checks in the order in which they run. A check uses only the results of earlier checks.
var checks = []func(*probe, context.Context) []doctor.Finding{
	(*probe).checkState,
	(*probe).checkKeystore,
	(*probe).checkConfig,
	(*probe).checkRotations,
	(*probe).checkPrompts,
	(*probe).checkSecurityKey,
	(*probe).checkCertificates,
	(*probe).checkCards,
	(*probe).checkNetwork,
	(*probe).checkFiles,
}

// report prints the findings, the most severe first. It returns an error if a finding is an error.
func report(a *app.App, found []doctor.Finding, asJSON bool) error {
	doctor.Sort(found)
	for i := range found {
		if found[i].Remedy == "" && found[i].Err != nil {
			if h := hint.For(found[i].Err, a.HintFacts()); len(h) > 0 {
				found[i].Remedy = h[0]
			}
		}
		found[i].What = a.Env.Shorten(found[i].What)
	}
	if asJSON {
		if found == nil {
			found = []doctor.Finding{}
		}
		if err := ui.PrintJSON(a.Env.Stdout, found); err != nil {
			return err
		}
	} else {
		printFindings(a, found)
	}
	if doctor.Count(found, doctor.Error) > 0 {
		return app.StatusError(app.StatusFailed)
	}
	return nil
}

func printFindings(a *app.App, found []doctor.Finding) {
	for _, f := range found {
		where := ""
		if f.Where != "" {
			where = f.Where + ": "
		}
		a.Print("%s: %s%s\n", f.Severity, printable.Line(where), printable.Line(f.What))
		if f.Remedy != "" {
			a.Print("    %s\n", printable.Line(f.Remedy))
		}
	}
	if len(found) > 0 {
		a.Print("\n")
	}
	a.Print("%s, %s, %s.\n", ui.Count(doctor.Count(found, doctor.Error), "error"), ui.Count(doctor.Count(found, doctor.Warning), "warning"),
		ui.Count(doctor.Count(found, doctor.Note), "note"))
}
