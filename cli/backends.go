package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/keystore"
)

func backendsCommand(k *kingpin.Application, a *app) {
	var asJSON bool
	c := k.Command("backends", "List the keystores of this build, whether each works here, and which is used.")
	c.Flag("json", "Print the list as JSON.").BoolVar(&asJSON)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		list, err := a.backends(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(a.env.Stdout, list)
		}
		return a.backendsTable(list)
	}})
}

// A listedBackend is one keystore as its user sees it.
type listedBackend struct {
	Name    string `json:"name"`
	Works   bool   `json:"works"`
	Why     string `json:"why,omitempty"` // it does not work
	Chosen  bool   `json:"chosen"`
	ByName  bool   `json:"by_name_only,omitempty"`
	Written bool   `json:"last_written,omitempty"`
}

func (a *app) backends(ctx context.Context) ([]listedBackend, error) {
	locks, state, err := a.locks("backends")
	if err != nil {
		return nil, err
	}
	written := a.writtenKeystore()
	var list []listedBackend
	for _, s := range keystore.Survey(ctx, a.keystoreConfig(locks, state)) {
		b := listedBackend{Name: s.Backend, Works: s.Err == nil, Chosen: s.Chosen, ByName: s.ByName, Written: s.Backend == written}
		if s.Err != nil {
			b.Why = reason(s.Err)
		}
		list = append(list, b)
	}
	return list, nil
}

// reason is why a keystore cannot be used, without its name, which stands beside it.
func reason(err error) string {
	var unavailable *keystore.UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable.Reason
	}
	return err.Error()
}

func (a *app) backendsTable(list []listedBackend) error {
	w := tabwriter.NewWriter(a.env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "Keystore\tWorks\tUsed\tRemarks\n========\t=====\t====\t=======\n")
	for _, b := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", b.Name, yesNo(b.Works), yesNo(b.Chosen), dash(b.remarks()))
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
		add("keys were last written here")
	}
	if b.ByName {
		add("used with --backend=" + b.Name + " only, for it is lost at reboot")
	}
	return text
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// printJSON prints a value for programs to read.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
