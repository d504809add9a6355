package cli

import (
	"context"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/disk"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

func doctorCommand(k *kingpin.Application, a *app) {
	var asJSON, offline bool
	c := k.Command("doctor", "Say what is wrong, or will be, and what mends it. The exit status is 1 if something will fail.")
	c.Flag("json", "Print the findings as JSON.").BoolVar(&asJSON)
	c.Flag("offline", "Ask AWS nothing.").BoolVar(&offline)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		p := patient{app: a, offline: offline}
		for _, look := range looks {
			p.found = append(p.found, look(&p, ctx)...)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		return a.prescribe(p.found, asJSON)
	}})
}

// A patient is what the doctor looks at, as far as it can be opened.
type patient struct {
	*app
	offline bool
	found   []doctor.Finding

	config   *profile.File // an empty one, if it cannot be read
	inputs   profile.Inputs
	locks    *store.Locks // nil if there is no place for them
	state    *disk.Folder
	keystore *keystore.Keystore // nil if it cannot be opened
	keys     []string           // that are stored, if listed
	listed   bool
	asks     bool // a profile wants a code that a person has to give
	reads    bool // a profile wants one that a security key tells
	anywhere map[plan.RolesAnywhere]bool
}

// looks are what the doctor looks at: each needs only what those before it opened.
var looks = []func(*patient, context.Context) []doctor.Finding{
	(*patient).lookAtState,
	(*patient).lookAtKeystore,
	(*patient).lookAtConfig,
	(*patient).lookAtPrompts,
	(*patient).lookAtSecurityKey,
	(*patient).lookAtCertificates,
	(*patient).lookAtCards,
	(*patient).lookAtNetwork,
	(*patient).lookAtFiles,
}

// prescribe says what was found, what matters most first.
func (a *app) prescribe(found []doctor.Finding, asJSON bool) error {
	doctor.Sort(found)
	for i := range found {
		if found[i].Remedy == "" && found[i].Err != nil {
			if h := hints(found[i].Err, a.hintFacts()); len(h) > 0 {
				found[i].Remedy = h[0]
			}
		}
		found[i].What = a.shorten(found[i].What)
	}
	if asJSON {
		if found == nil {
			found = []doctor.Finding{}
		}
		if err := printJSON(a.env.Stdout, found); err != nil {
			return err
		}
	} else {
		a.printFindings(found)
	}
	if doctor.Count(found, doctor.Error) > 0 {
		return statusError(statusFailed)
	}
	return nil
}

func (a *app) printFindings(found []doctor.Finding) {
	for _, f := range found {
		where := ""
		if f.Where != "" {
			where = f.Where + ": "
		}
		a.print("%s: %s%s\n", f.Severity, where, f.What)
		if f.Remedy != "" {
			a.print("    %s\n", f.Remedy)
		}
	}
	if len(found) > 0 {
		a.print("\n")
	}
	a.print("%s, %s, %s.\n", count(doctor.Count(found, doctor.Error), "error"), count(doctor.Count(found, doctor.Warning), "warning"),
		count(doctor.Count(found, doctor.Note), "note"))
}
