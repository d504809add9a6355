package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// helpWidth is what a terminal shows at least.
const helpWidth = 80

// help is the page of the program, or of one command.
func help(app *kingpin.ApplicationModel, c *kingpin.CmdModel) string {
	var b strings.Builder
	if c == nil || c.Name == "" {
		fmt.Fprintf(&b, "Usage: %s [FLAGS] COMMAND\n\n%s\n\nCommands:\n", app.Name, app.Help)
		columns(&b, commandRows(app.Commands))
		b.WriteString("\nFlags of every command:\n")
		columns(&b, flagRows(app.Flags))
		fmt.Fprintf(&b, "\nA switch is undone by its twin, such as --no-debug.\nSee %s COMMAND --help for the flags of a command.\n", app.Name)
		return b.String()
	}
	fmt.Fprintf(&b, "Usage: %s %s%s\n\n", app.Name, c.FullCommand, usageArgs(c))
	wrap(&b, c.Help, "")
	if len(c.Commands) > 0 {
		b.WriteString("\nCommands:\n")
		columns(&b, commandRows(c.Commands))
	}
	if len(c.Args) > 0 {
		b.WriteString("\nArguments:\n")
		columns(&b, argRows(c.Args))
	}
	if rows := flagRows(c.Flags); len(rows) > 0 {
		b.WriteString("\nFlags:\n")
		columns(&b, rows)
	}
	fmt.Fprintf(&b, "\nSee %s --help for the flags of every command.\n", app.Name)
	return b.String()
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
		rows = append(rows, helpRow{strings.ToUpper(a.Name), a.Help})
	}
	return rows
}

func flagRows(flags []*kingpin.FlagModel) []helpRow {
	var rows []helpRow
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		left := "    --" + f.Name
		if f.Short != 0 {
			left = "-" + string(f.Short) + ", --" + f.Name
		}
		on := len(f.Default) == 1 && f.Default[0] == "true"
		switch {
		case f.IsBoolFlag() && on:
			left = "    --no-" + f.Name
		case !f.IsBoolFlag():
			left += "=" + placeholder(f)
		}
		right := f.Help
		if !f.IsBoolFlag() && len(f.Default) > 0 {
			right += " Otherwise " + strings.Join(f.Default, ", ") + "."
		}
		if f.Envar != "" {
			right += " (" + f.Envar + ")"
		}
		rows = append(rows, helpRow{left, right})
	}
	return rows
}

func placeholder(f *kingpin.FlagModel) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	return "VALUE"
}

// columns writes rows side by side, or, where the left is long, one above the other.
func columns(b *strings.Builder, rows []helpRow) {
	const most = 22
	width := 0
	for _, r := range rows {
		if len(r.left) <= most {
			width = max(width, len(r.left))
		}
	}
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

// wrap writes words in lines of helpWidth, of which all but the first are indented.
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
