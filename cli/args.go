package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// splitCommand takes the command that exec is to run off a command line, so that its
// flags are its own: behind the profile, the first word that is no flag ends ours, and
// "--" ends them anywhere. dashes says that a "--" was there.
func splitCommand(k *kingpin.Application, args []string) (left, command []string, dashes bool) {
	model := k.Model()
	takes := valueFlags(model.FlagGroupModel)
	verb, words := "", 0
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			if verb == "exec" {
				return args[:i:i], args[i+1:], true
			}
			return args, nil, false
		case strings.HasPrefix(arg, "-") && arg != "-":
			if takesNext(arg, takes) {
				i++
			}
		case verb == "":
			verb = arg
			if c := commandOf(model, arg); c != nil {
				verb = c.Name
				for f := range valueFlags(c.FlagGroupModel) {
					takes[f] = true
				}
			}
		case verb != "exec":
		case words == 1:
			return args[:i:i], args[i:], false
		default:
			words++
		}
	}
	return args, nil, false
}

func commandOf(model *kingpin.ApplicationModel, name string) *kingpin.CmdModel {
	for _, c := range model.Commands {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c
		}
	}
	return nil
}

// valueFlags are the flags that take a value, as they are written.
func valueFlags(m *kingpin.FlagGroupModel) map[string]bool {
	takes := map[string]bool{}
	for _, f := range m.Flags {
		if f.IsBoolFlag() {
			continue
		}
		takes["--"+f.Name] = true
		if f.Short != 0 {
			takes["-"+string(f.Short)] = true
		}
	}
	return takes
}

// takesNext reports whether the argument behind a flag is its value. Short flags may be
// joined, and a value may be joined to them.
func takesNext(arg string, takes map[string]bool) bool {
	if strings.HasPrefix(arg, "--") {
		return takes[arg]
	}
	for i, c := range arg[1:] {
		if takes["-"+string(c)] {
			return i == len(arg)-2
		}
	}
	return false
}
