package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// man is the manual page, for man(7). It says what the help pages say.
func man(app *kingpin.ApplicationModel) string {
	var p page
	p.line(`.TH AWS\-VAULT 1 "" "aws\-vault ` + roff(app.Version) + `" "User Commands"`)
	p.section("NAME")
	p.line(`aws\-vault \- keep AWS credentials in a keystore and hand out short\-lived ones`)
	p.section("SYNOPSIS")
	p.line(`.B aws\-vault`)
	p.line("[FLAGS] COMMAND [ARGUMENTS]")
	p.section("DESCRIPTION")
	p.line(roff(app.Help))
	p.section("COMMANDS")
	p.commands(app.Commands)
	p.section("FLAGS OF EVERY COMMAND")
	p.rows(flagRows(app.Flags))
	p.line(".PP")
	p.line(roff("A switch is undone by its twin, such as --no-debug."))
	p.section("ENVIRONMENT")
	p.line(roff("A flag goes before its variable. The manual lists those that the settings of a profile have."))
	p.rows(environmentRows(app))
	p.section("EXIT STATUS")
	p.rows(statusRows)
	p.section("FILES")
	p.rows(fileRows)
	return p.String()
}

// statusRows are the exit statuses, as report and exec give them.
var statusRows = []helpRow{
	{"0", "Done."}, {"1", "Failed."}, {"2", "Wrong usage."},
	{"126", "The command of exec cannot be run."}, {"127", "The command of exec is not there."},
	{"130", "Interrupted, or a question was not answered."},
	{"other", "That of the command of exec."},
}

var fileRows = []helpRow{
	{"~/.aws/config", "Profiles (AWS_CONFIG_FILE)."},
	{"~/.aws/credentials", "Read beside it (AWS_SHARED_CREDENTIALS_FILE)."},
	{"~/.awsvault/keys", "The keys of the file keystore."},
	{"~/.local/state/aws-vault", "Locks, and what is known of sessions without opening them."},
}

// environmentRows are the variables that stand for flags, each once.
func environmentRows(app *kingpin.ApplicationModel) []helpRow {
	var rows []helpRow
	seen := map[string]bool{}
	flags := slices.Clone(app.Flags)
	for _, c := range app.FlattenedCommands() {
		flags = append(flags, c.Flags...)
	}
	for _, f := range flags {
		if f.Envar != "" && !f.Hidden && !seen[f.Envar] {
			seen[f.Envar] = true
			rows = append(rows, helpRow{f.Envar, "As --" + f.Name + "."})
		}
	}
	return rows
}

// A page is one in the language of man(7).
type page struct{ strings.Builder }

func (p *page) line(text string) { fmt.Fprintln(p, text) }

func (p *page) section(title string) { p.line(".SH " + title) }

func (p *page) commands(commands []*kingpin.CmdModel) {
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		p.line(".SS " + roff(c.FullCommand+usageArgs(c)))
		p.line(roff(c.Help))
		if len(c.Aliases) > 0 {
			p.line(roff("Also: " + strings.Join(c.Aliases, ", ") + "."))
		}
		p.rows(append(argRows(c.Args), flagRows(c.Flags)...))
		p.commands(c.Commands)
	}
}

func (p *page) rows(rows []helpRow) {
	for _, r := range rows {
		p.line(".TP")
		p.line(".B " + roff(strings.TrimSpace(r.left)))
		p.line(roff(r.right))
	}
}

// roff writes text so that none of it is taken for a request, and hyphens can be searched for.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "~", `\(ti`, "^", `\(ha`, "…", "...").Replace(strings.Join(strings.Fields(text), " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
