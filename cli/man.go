package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// man returns the man page in the language of man(7). The man page contains the same text as the help pages.
func man(app *kingpin.ApplicationModel) string {
	var p page
	p.line(`.TH AWS\-VAULT 1 "" "aws\-vault ` + roff(app.Version) + `" "User Commands"`)
	p.section("NAME")
	p.line(`aws\-vault \- store AWS access keys in a keystore, and provide short\-lived credentials`)
	p.section("SYNOPSIS")
	p.line(`.B aws\-vault`)
	p.line("[FLAGS] COMMAND [ARGUMENTS]")
	p.section("DESCRIPTION")
	p.line(roff(app.Help))
	for _, g := range commandGroups {
		p.section(roff("COMMANDS: " + strings.ToUpper(g.title)))
		p.commands(g.of(app.Commands))
	}
	p.section("GLOBAL FLAGS")
	p.rows(flagRows(app.Flags))
	p.line(".PP")
	p.line(roff(switchHelp))
	p.section("ENVIRONMENT")
	p.line(roff("A flag overrides its variable. The manual lists the variables for settings of a profile."))
	p.rows(environmentRows(app))
	p.section("EXIT STATUS")
	p.rows(statusRows)
	p.section("FILES")
	p.rows(fileRows)
	return p.String()
}

// statusRows lists the exit statuses of aws-vault, including those of exec.
var statusRows = []helpRow{
	{"0", "Success."}, {"1", "Failure."}, {"2", "Invalid command line."},
	{"126", "exec cannot run its command."}, {"127", "exec did not find its command."},
	{"130", "Interrupted, or a prompt was not answered."},
	{"other", "Exit status of the command that exec ran."},
}

var fileRows = []helpRow{
	{"~/.aws/config", "Profiles. Env: AWS_CONFIG_FILE."},
	{"~/.aws/credentials", "More profiles and plain-text keys, which are read too. Env: AWS_SHARED_CREDENTIALS_FILE."},
	{"~/.awsvault/keys", "The file keystore."},
	{"~/.local/state/aws-vault", "Locks, and an index of the cached sessions. It contains no secrets."},
}

// environmentRows returns the environment variables of all flags. It returns each variable once.
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
			rows = append(rows, helpRow{f.Envar, "Same as --" + f.Name + "."})
		}
	}
	return rows
}

// A page builds the text of a man page, one line after the other.
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
		p.examples(c)
		p.commands(c.Commands)
	}
}

func (p *page) examples(c *kingpin.CmdModel) {
	p.line(".PP")
	p.line("Examples:")
	p.line(".PP")
	p.line(".nf")
	for _, line := range exampleLines(c, "") {
		text := strings.TrimLeft(line, " ")
		p.line(line[:len(line)-len(text)] + roff(text))
	}
	p.line(".fi")
}

func (p *page) rows(rows []helpRow) {
	for _, r := range rows {
		p.line(".TP")
		p.line(".B " + roff(strings.TrimSpace(r.left)))
		p.line(roff(r.right))
	}
}

// roff escapes text for a man page. Without the escapes, a program that displays the page would treat a line that
// begins with a dot as an instruction, and a search for a hyphen would not find the hyphen.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "~", `\(ti`, "^", `\(ha`, "…", "...").Replace(strings.Join(strings.Fields(text), " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
