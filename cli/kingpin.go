package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

// This file is where the program differs from what kingpin does by itself:
//
//   - kingpin ends the process after a help page. That would skip what Main still has to do, and end the
//     tests that call Main. Its only way out is a function that it calls and then goes on, so that function
//     panics, and parse recovers.
//   - It reads arguments from a file for a word that begins with "@", which could be a word of the command that
//     exec runs. A package variable turns that off.
//   - It reads flags behind the command of exec as ours. So that command is split off before kingpin sees it.
//   - Its help pages and its man page have another layout than ours. It renders templates, so our templates
//     call functions of this package (help.go, man.go). The templates of --help-long and --help-man are package
//     variables.
//
// The package variables are set to the same values each time.

// A commandLine is the program's commands and flags, as kingpin parses them.
type commandLine struct {
	*kingpin.Application
	verbs []app.Verb
}

// describe describes these commands, and the flags that all of them accept.
func describe(a *app.App, commands ...command) commandLine {
	kingpin.EnableFileExpansion, kingpin.ManPageTemplate, kingpin.LongHelpTemplate = false, `{{man .App}}`, `{{helpLong .App}}`
	k := commandLine{Application: kingpin.New("aws-vault", "Stores AWS access keys in a keystore, and provides short-lived credentials.")}
	k.UsageWriter(a.Env.Stdout).ErrorWriter(a.Env.Stderr)
	k.Terminate(func(status int) { panic(ended(status)) })
	k.Version(a.Env.Version).VersionFlag.Short('v').Help("Print the version.")
	k.HelpFlag.Short('h').Help("Show this page. --help-long shows all pages, --help-man the man page.")
	k.UsageTemplate(`{{help .App .Context.SelectedCommand}}`).UsageFuncs(map[string]any{"help": help, "helpLong": helpLong, "man": man})
	k.Flag("debug", "Write a log to stderr. It contains no secrets.").BoolVar(&a.Debug)
	a.Globals.Bind(k.Application)
	for _, c := range commands {
		k.verbs = append(k.verbs, c(k.Application, a)...)
	}
	return k
}

// A parsed command line is the command that it names, by its whole name.
type parsed struct {
	name string
	verb app.Verb
}

// ended is a command line that kingpin has answered itself, such as one that asks for help: the exit status.
type ended int

func (e ended) Error() string { return fmt.Sprintf("answered, with exit status %d", int(e)) }

// parse sets the flags that the arguments name, and returns the command. The error is an [ended] if there is
// nothing more to do.
func (k commandLine) parse(args []string) (line parsed, err error) {
	defer func() {
		if r := recover(); r != nil {
			status, ok := r.(ended)
			if !ok {
				panic(r)
			}
			err = status
		}
	}()
	left, words, _ := splitCommand(k.Application, args)
	if line.name, err = k.Parse(left); err != nil {
		return parsed{}, err
	}
	i := slices.IndexFunc(k.verbs, func(v app.Verb) bool { return v.Command.FullCommand() == line.name })
	if i < 0 {
		return parsed{}, fmt.Errorf("command %q does nothing", line.name)
	}
	line.verb = k.verbs[i]
	return line, setCommand(line.verb.Command, words)
}

// setCommand gives exec the command that was split off.
func setCommand(exec *kingpin.CmdClause, words []string) error {
	for _, w := range words {
		if err := exec.GetArg("command").Model().Value.Set(w); err != nil {
			return err
		}
	}
	return nil
}

// splitCommand takes the command that exec is to run off a command line, so that its
// flags are its own: behind the profile, the first word that is no flag ends ours, and
// "--" ends them anywhere. dashes says that a "--" was there.
func splitCommand(k *kingpin.Application, args []string) (left, command []string, dashes bool) {
	var exec *kingpin.CmdClause // once it is named
	words := 0
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--" && exec != nil:
			return args[:i:i], args[i+1:], true
		case arg == "--":
			return args, nil, false
		case strings.HasPrefix(arg, "-") && arg != "-":
			if takesNext(k, exec, arg) {
				i++
			}
		case exec == nil:
			if exec = k.GetCommand(arg); exec == nil || arg != "exec" {
				return args, nil, false
			}
		case words == 1:
			return args[:i:i], args[i:], false
		default:
			words++
		}
	}
	return args, nil, false
}

// takesNext reports whether the argument behind a flag is its value. Short flags may be joined, and a
// value may be joined to them; of the short flags of every command, none has a value.
func takesNext(k *kingpin.Application, exec *kingpin.CmdClause, arg string) bool {
	if name, long := strings.CutPrefix(arg, "--"); long {
		f := k.GetFlag(name)
		if f == nil && exec != nil {
			f = exec.GetFlag(name)
		}
		return f != nil && !f.Model().IsBoolFlag()
	}
	if exec == nil {
		return false
	}
	flags := exec.Model().Flags
	for i, c := range arg[1:] {
		if slices.ContainsFunc(flags, func(f *kingpin.FlagModel) bool { return f.Short == c && !f.IsBoolFlag() }) {
			return i == len(arg)-2
		}
	}
	return false
}
