package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

// helpWidth is the width of help pages: the default width of a terminal.
const helpWidth = 80

// help returns the help page of the command c. If c is nil, help returns the help page of the program.
func help(app *kingpin.ApplicationModel, c *kingpin.CmdModel) string {
	var b strings.Builder
	if c == nil || c.Name == "" {
		programHelp(&b, app)
	} else {
		commandHelp(&b, app, c)
	}
	return b.String()
}

// helpLong returns the help page of the program, followed by the pages of all commands.
func helpLong(app *kingpin.ApplicationModel) string {
	var b strings.Builder
	programHelp(&b, app)
	for _, g := range commandGroups {
		commandHelps(&b, app, g.of(app.Commands))
	}
	return b.String()
}

func commandHelps(b *strings.Builder, app *kingpin.ApplicationModel, commands []*kingpin.CmdModel) {
	for _, c := range commands {
		if !c.Hidden {
			b.WriteString("\n")
			commandHelp(b, app, c)
			commandHelps(b, app, c.Commands)
		}
	}
}

func programHelp(b *strings.Builder, app *kingpin.ApplicationModel) {
	fmt.Fprintf(b, "Usage: %s [FLAGS] COMMAND\n\n%s\n", app.Name, app.Help)
	width := leftWidth(commandRows(app.Commands))
	for _, g := range commandGroups {
		fmt.Fprintf(b, "\n%s:\n", g.title)
		columns(b, commandRows(g.of(app.Commands)), width)
	}
	b.WriteString("\nGlobal flags:\n")
	rows := flagRows(app.Flags)
	columns(b, rows, leftWidth(rows))
	fmt.Fprintf(b, "\n%s\nTo see the flags of a command, run %s COMMAND --help.\n", switchHelp, app.Name)
}

// switchHelp explains how to turn a switch off.
const switchHelp = "To turn a switch off, use its --no- form, such as --no-debug."

func commandHelp(b *strings.Builder, app *kingpin.ApplicationModel, c *kingpin.CmdModel) {
	fmt.Fprintf(b, "Usage: %s %s%s\n\n", app.Name, c.FullCommand, usageArgs(c))
	wrap(b, c.Help, "")
	for _, part := range []struct {
		title string
		rows  []helpRow
	}{{"Commands", commandRows(c.Commands)}, {"Arguments", argRows(c.Args)}, {"Flags", flagRows(c.Flags)}} {
		if len(part.rows) > 0 {
			fmt.Fprintf(b, "\n%s:\n", part.title)
			columns(b, part.rows, leftWidth(part.rows))
		}
	}
	fmt.Fprintf(b, "\nTo see the global flags, run %s --help.\n\nExamples:\n", app.Name)
	for _, line := range exampleLines(c, "  ") {
		fmt.Fprintln(b, line)
	}
}

// helpExamples returns the examples of the help command, which kingpin adds to the command line.
func helpExamples() string {
	return app.Examples("Show the help page of exec.", "aws-vault help exec", "Show all help pages.", "aws-vault --help-long")
}

// exampleLines returns the examples of a command. If a command line is wider than the page, exampleLines continues it
// on the next line, with a backslash as in a shell.
func exampleLines(c *kingpin.CmdModel, indent string) []string {
	text := c.HelpLong
	if c.FullCommand == "help" {
		text = helpExamples()
	}
	var lines []string
	for i, example := range strings.Split(text, "\n") {
		if i%2 == 0 {
			lines = append(lines, indent+"# "+example)
			continue
		}
		line := indent
		for j, part := range commandParts(example) {
			switch {
			case j > 0 && len(line)+len(part)+len("  \\") >= helpWidth:
				lines = append(lines, line+" \\")
				line = indent + "  "
			case j > 0:
				line += " "
			}
			line += part
		}
		lines = append(lines, line)
	}
	return lines
}

// commandParts splits a command line into the parts between which a line can end. A flag and its value are in one part.
func commandParts(line string) []string {
	var parts []string
	flag := false
	for _, word := range strings.Fields(line) {
		if flag && !strings.HasPrefix(word, "-") {
			parts[len(parts)-1] += " " + word
			flag = false
			continue
		}
		parts, flag = append(parts, word), strings.HasPrefix(word, "--")
	}
	return parts
}

func usageArgs(c *kingpin.CmdModel) string {
	text := ""
	if len(c.Commands) > 0 {
		text += " COMMAND"
	}
	if len(flagRows(c.Flags)) > 0 {
		text += " [FLAGS]"
	}
	for _, a := range c.Args {
		name := strings.ToUpper(a.Name)
		if cumulative, ok := a.Value.(interface{ IsCumulative() bool }); ok && cumulative.IsCumulative() {
			name += "..."
		}
		if !a.Required {
			name = "[" + name + "]"
		}
		text += " " + name
	}
	return text
}

// A helpRow is a row of a table with two columns. The left column has a command, a flag or an argument, and the right
// column its description.
type helpRow struct{ left, right string }

func commandRows(commands []*kingpin.CmdModel) []helpRow {
	var rows []helpRow
	for _, c := range commands {
		if !c.Hidden {
			first, _, _ := strings.Cut(c.Help, ". ")
			rows = append(rows, helpRow{strings.Join(append([]string{c.Name}, c.Aliases...), ", "), strings.TrimSuffix(first, ".") + "."})
		}
	}
	return rows
}

func argRows(args []*kingpin.ArgModel) []helpRow {
	var rows []helpRow
	for _, a := range args {
		text := a.Help
		if text == "Show help on command." { // kingpin's own text for the argument of the command "help"
			text = "Command whose help page is shown. Default: the overview of all commands."
		}
		rows = append(rows, helpRow{strings.ToUpper(a.Name), describeValue(text, a.Default, a.Envar)})
	}
	return rows
}

func flagRows(flags []*kingpin.FlagModel) []helpRow {
	var rows []helpRow
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		name, defaults := f.Name, f.Default
		if f.IsBoolFlag() {
			if len(f.Default) == 1 && f.Default[0] == "true" {
				name = "no-" + f.Name
			}
			defaults = nil
		}
		left := "    --" + name
		if f.Short != 0 {
			left = "-" + string(f.Short) + ", --" + name
		}
		if !f.IsBoolFlag() {
			left += " " + valueName(f)
		}
		rows = append(rows, helpRow{left, describeValue(f.Help, defaults, f.Envar)})
	}
	return rows
}

// describeValue adds the default and the environment variable to the description of a flag or an argument.
func describeValue(text string, defaults []string, variable string) string {
	if len(defaults) > 0 {
		text += " Default: " + strings.Join(defaults, ", ") + "."
	}
	if variable != "" {
		text += " Env: " + variable + "."
	}
	return text
}

// valueName returns the upper-case word that stands for the value of a flag. It returns the flag's placeholder. If
// the flag has no placeholder, or the placeholder is a list of lower-case values, it returns the last word of the
// flag's name.
func valueName(f *kingpin.FlagModel) string {
	if f.PlaceHolder != "" && f.PlaceHolder == strings.ToUpper(f.PlaceHolder) {
		return f.PlaceHolder
	}
	return strings.ToUpper(f.Name[strings.LastIndex(f.Name, "-")+1:])
}

// leftWidth returns the width of the left column. Texts that are too long for the column do not count.
func leftWidth(rows []helpRow) int {
	const most = 22
	width := 0
	for _, r := range rows {
		if len(r.left) <= most {
			width = max(width, len(r.left))
		}
	}
	if width == 0 {
		return most
	}
	return width
}

// columns writes rows in two columns. If a left text is wider than the left column, the right text starts on the next
// line.
func columns(b *strings.Builder, rows []helpRow, width int) {
	indent := strings.Repeat(" ", width+4)
	for _, r := range rows {
		if len(r.left) > width {
			fmt.Fprintf(b, "  %s\n%s", r.left, indent)
		} else {
			fmt.Fprintf(b, "  %-*s  ", width, r.left)
		}
		wrap(b, r.right, indent)
	}
}

// wrap writes text in lines that are shorter than helpWidth. It indents all lines but the first, which the caller
// indents.
func wrap(b *strings.Builder, text, indent string) {
	column := len(indent)
	for i, word := range strings.Fields(text) {
		switch {
		case i > 0 && column+1+len(word) >= helpWidth:
			b.WriteString("\n" + indent)
			column = len(indent)
		case i > 0:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteString("\n")
}
