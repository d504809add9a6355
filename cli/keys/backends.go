package keys

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/keystore"
)

func BackendsCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var asJSON bool
	c := k.Command("backends", "List the keystores: which ones work here, and which one is in use.").HelpLong(app.Examples(
		"List the keystores.", "aws-vault backends",
		"Print the list for a script.", "aws-vault backends --json"))
	c.Flag("json", "Print the list as JSON.").BoolVar(&asJSON)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error {
		list, err := backends(ctx, a)
		if err != nil {
			return err
		}
		if asJSON {
			return ui.PrintJSON(a.Env.Stdout, list)
		}
		return backendsTable(a, list)
	}}}
}

// A listedBackend is a row of the list of keystores.
type listedBackend struct {
	Name    string `json:"name"`
	Works   bool   `json:"works"`
	Why     string `json:"why,omitempty"` // why the keystore does not work
	Chosen  bool   `json:"chosen"`
	ByName  bool   `json:"by_name_only,omitempty"`
	Written bool   `json:"last_written,omitempty"`
}

func backends(ctx context.Context, a *app.App) ([]listedBackend, error) {
	locks, state, err := a.Locks("backends")
	if err != nil {
		return nil, err
	}
	written := app.LastWrittenKeystore(a)
	var list []listedBackend
	for _, s := range keystore.Survey(ctx, a.KeystoreConfig(a.Asker(locks), state)) {
		b := listedBackend{Name: s.Backend, Works: s.Err == nil, Chosen: s.Chosen, ByName: s.OnlyByName, Written: s.Backend == written}
		if s.Err != nil {
			b.Why = app.Reason(s.Err)
		}
		list = append(list, b)
	}
	return list, nil
}

func backendsTable(a *app.App, list []listedBackend) error {
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "Keystore\tWorks\tUsed\tRemarks\n========\t=====\t====\t=======\n")
	for _, b := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", ui.Cell(b.Name), ui.YesNo(b.Works), ui.YesNo(b.Chosen), ui.Cell(b.remarks()))
	}
	return w.Flush()
}

func (b listedBackend) remarks() string {
	text := b.Why
	add := func(more string) {
		if text != "" {
			text += "; "
		}
		text += more
	}
	if b.Written {
		add("keys were last written to this keystore")
	}
	if b.ByName {
		add("used only with --backend=" + b.Name + ", because its keys are lost at reboot")
	}
	return text
}
