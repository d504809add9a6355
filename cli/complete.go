package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/run"
	"aws-vault/cli/ui"
	"aws-vault/contrib/completions"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

// script returns the output of the flag --completion-script-SHELL, or an empty string for any other flag.
func script(flag string) string {
	switch flag {
	case "--completion-script-bash":
		return completions.Bash
	case "--completion-script-zsh":
		return completions.Zsh
	case "--completion-script-fish":
		return completions.Fish
	}
	return ""
}

// statusCompleteCommand is the exit status if the last word belongs to the command that exec runs. The completion
// script then completes the word as if the command had been typed without aws-vault.
const statusCompleteCommand = 3

// completion handles the completion flags, and reports whether the first argument is such a flag. After
// --completion-bash come the words of the command line. The last word can be empty. completion prints the
// candidates for the last word, one per line. If the last word belongs to the command that exec runs, completion
// instead prints the number of words before that command. completion reads the config file and the list of openers
// of a sealed keystore, but it opens no keystore.
func completion(a *app.App, k *kingpin.Application, args []string) (status int, asked bool) {
	if len(args) == 0 {
		return 0, false
	}
	if text := script(args[0]); text != "" {
		a.Print("%s", text)
		return app.StatusOK, true
	}
	if args[0] != "--completion-bash" {
		return 0, false
	}
	words := args[1:]
	if len(words) == 0 {
		words = []string{""}
	}
	left, command, found := splitCommand(k, words)
	switch {
	case len(command) > 0:
		a.Print("%d\n", len(words)-len(command))
		return statusCompleteCommand, true
	case found: // the last word is "--", which can be the beginning of a flag
		left = append(left, "--")
	}
	if ui.PrintLines(a.Env.Stdout, candidates(a, k.Model(), left)) != nil {
		return app.StatusFailed, true
	}
	return app.StatusOK, true
}

// candidates returns the possible completions of the last word.
func candidates(a *app.App, model *kingpin.ApplicationModel, words []string) []string {
	l := readLine(model, words[:len(words)-1])
	current := words[len(words)-1]
	switch name, value, joined := strings.Cut(current, "="); {
	case l.needsValue && current == "=":
		return values(a, l.flag.Name)
	case l.needsValue:
		return matching(values(a, l.flag.Name), current, "")
	case joined && strings.HasPrefix(name, "--"):
		return matching(values(a, strings.TrimPrefix(name, "--")), value, name+"=")
	case strings.HasPrefix(current, "-"):
		return matching(l.flags(model), current, "")
	case len(l.commands) > 0:
		return matching(commandNames(l.commands), current, "")
	}
	return matching(values(a, l.argument()), current, "")
}

// A typedLine is the parsed part of the command line: all words before the word that is completed.
type typedLine struct {
	commands   []*kingpin.CmdModel // the commands that can be the next word
	command    *kingpin.CmdModel   // the command; nil if no word is the name of a command
	args       int                 // number of arguments of the command so far
	flag       *kingpin.FlagModel  // the flag in the last parsed word; nil if that word is not a flag
	needsValue bool                // whether the next word is the value of that flag
}

func readLine(model *kingpin.ApplicationModel, words []string) typedLine {
	l := typedLine{commands: model.Commands}
	for _, w := range words {
		switch {
		case l.needsValue && w == "=": // bash passes the "=" of --flag=value as a separate word
			continue
		case l.needsValue:
			l.needsValue = false
		case w == "--":
			l.flag = nil
		case strings.HasPrefix(w, "-") && w != "-":
			name, _, joined := strings.Cut(w, "=")
			l.flag = l.flagOf(model, name)
			l.needsValue = l.flag != nil && !l.flag.IsBoolFlag() && !joined
			continue
		case len(l.commands) > 0:
			l.command, l.commands = named(l.commands, w), nil
			if l.command != nil {
				l.commands = l.command.Commands
			}
		default:
			l.args++
		}
		l.flag = nil
	}
	return l
}

func named(commands []*kingpin.CmdModel, name string) *kingpin.CmdModel {
	for _, c := range commands {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c
		}
	}
	return nil
}

// allFlags returns the flags of the command and the global flags.
func (l typedLine) allFlags(model *kingpin.ApplicationModel) []*kingpin.FlagModel {
	flags := model.Flags
	if l.command != nil {
		flags = slices.Concat(l.command.Flags, flags)
	}
	return flags
}

// flagOf returns the flag for a word such as --region or -nd. If the word combines several short flags, flagOf returns
// the last flag.
func (l typedLine) flagOf(model *kingpin.ApplicationModel, written string) *kingpin.FlagModel {
	for _, f := range l.allFlags(model) {
		if written == "--"+f.Name || !strings.HasPrefix(written, "--") && f.Short != 0 && strings.HasSuffix(written, string(f.Short)) {
			return f
		}
	}
	return nil
}

// flags returns the visible flags. Like the help pages, it uses the --no- form for a switch that is on by default.
func (l typedLine) flags(model *kingpin.ApplicationModel) []string {
	var names []string
	for _, f := range l.allFlags(model) {
		switch {
		case f.Hidden:
		case f.IsBoolFlag() && slices.Equal(f.Default, []string{"true"}):
			names = append(names, "--no-"+f.Name)
		default:
			names = append(names, "--"+f.Name)
		}
	}
	return names
}

func commandNames(commands []*kingpin.CmdModel) []string {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// argument returns the name of the next argument, or an empty string if the command accepts no more arguments.
func (l typedLine) argument() string {
	if l.command == nil || len(l.command.Args) == 0 {
		return ""
	}
	args := l.command.Args
	if l.args < len(args) {
		return args[l.args].Name
	}
	last := args[len(args)-1]
	if many, ok := last.Value.(interface{ IsCumulative() bool }); ok && many.IsCumulative() {
		return last.Name
	}
	return ""
}

// values returns the possible values of the flag or argument with this name. It returns nil if they are not known.
func values(a *app.App, name string) []string {
	switch name {
	case "profile":
		return sections(a, (*profile.File).Profiles)
	case "backend", "from", "to":
		return keystore.Backends()
	case "opener":
		return openerHints(a)
	case "pin":
		return piv.PINPolicyNames()
	case "touch":
		return piv.TouchPolicyNames()
	case "prompt":
		return app.PromptNames()
	case "flow", "sso-flow":
		return []string{app.FlowBrowser, app.FlowDevice}
	case "session":
		return sections(a, (*profile.File).OIDCSessions)
	case "policy":
		return sections(a, (*profile.File).SessionPolicies)
	case "identity":
		return sections(a, (*profile.File).Identities)
	case "format":
		return run.FormatList()
	case "command": // the argument of the command "help"
		return commandNames(describe(a, commands...).Model().Commands)
	}
	return nil
}

// sections returns the names of the sections of one kind in the config file. It omits names with unsafe characters. If
// the file cannot be read, sections returns no names, because a completion must not print errors.
func sections(a *app.App, names func(*profile.File) []string) []string {
	config, err := a.Env.ConfigFile().Read()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(names(config), func(name string) bool { return !printable.Is(name) })
}

// openerHints returns the names of the openers of the sealed keystore, which can be read while the keystore is locked.
func openerHints(a *app.App) []string {
	quiet := *a
	quiet.Env.Stderr = io.Discard
	s, err := app.OpenSealedStore(&quiet, "completion", "")
	if err != nil {
		return nil
	}
	var names []string
	for _, o := range s.Header().Openers {
		names = append(names, o.Name)
	}
	return names
}

func matching(all []string, prefix, before string) []string {
	some := make([]string, 0, len(all))
	for _, s := range all {
		if strings.HasPrefix(s, prefix) {
			some = append(some, before+s)
		}
	}
	return some
}
