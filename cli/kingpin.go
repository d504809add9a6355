package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/printable"
)

// This file changes the following behaviour of kingpin:
//
//   - kingpin ends the process after a help page. That would skip the end of Main, and end the tests that call Main.
//     kingpin lets us replace only the function that ends the process, and continues after that function returns. So
//     our function panics, and parse recovers from the panic.
//   - kingpin replaces a word that begins with "@" with the contents of a file. The word can belong to the command of
//     exec. A package variable turns this off.
//   - kingpin parses flags after the command of exec as flags of aws-vault. So parse removes the command first.
//   - Our help pages and our man page have a different layout from those of kingpin. kingpin renders templates, so our
//     templates call functions of this package (help.go, man.go). The templates of --help-long and --help-man are
//     package variables of kingpin.
//
// Each call to the function describe sets the package variables of kingpin, always to the same values.

// A commandLine defines the commands and flags of the program. kingpin uses these definitions to parse arguments.
type commandLine struct {
	*kingpin.Application
	verbs []app.Verb
}

// describe returns a command line with these commands and the global flags.
func describe(a *app.App, commands ...command) commandLine {
	kingpin.EnableFileExpansion, kingpin.ManPageTemplate, kingpin.LongHelpTemplate = false, `{{man .App}}`, `{{helpLong .App}}`
	k := commandLine{Application: kingpin.New("aws-vault", "Stores AWS access keys in a keystore, and provides short-lived credentials.")}
	k.UsageWriter(a.Env.Stdout).ErrorWriter(a.Env.Stderr)
	k.Terminate(func(status int) { panic(handled(status)) })
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

// parsed is a parsed command line: the action of the command, and its full name, such as "sso login".
type parsed struct {
	name string
	verb app.Verb
}

// handled is the error for a command line that kingpin handles itself, such as --help. Its value is the exit status.
type handled int

func (e handled) Error() string {
	return fmt.Sprintf("the command-line parser ended the program with exit status %d", int(e))
}

// parse sets the flags from the arguments, and returns the command. The error is a [handled] if kingpin handles the
// command line itself.
func (k commandLine) parse(args []string) (line parsed, err error) {
	defer func() {
		if r := recover(); r != nil {
			status, ok := r.(handled)
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
		return parsed{}, fmt.Errorf("command %s has no action", printable.Quote(line.name))
	}
	line.verb = k.verbs[i]
	return line, setCommand(line.verb.Command, words)
}

// setCommand stores the words of the command that exec runs. kingpin does not parse these words.
func setCommand(exec *kingpin.CmdClause, words []string) error {
	for _, w := range words {
		if err := exec.GetArg("command").Model().Value.Set(w); err != nil {
			return err
		}
	}
	return nil
}

// splitCommand separates the arguments of aws-vault from the command that exec runs, because that command has its
// own flags. The command begins after "--", or with the first word after the profile that is not a flag. The result
// dashes is true if "--" is before the command.
func splitCommand(k *kingpin.Application, args []string) (left, command []string, dashes bool) {
	var exec *kingpin.CmdClause // the command exec; nil before the word exec is read
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

// takesNext reports whether the argument after arg is the value of the flag arg. Short flags can be combined, as in
// -nd. A value can follow its flag without a space, as in -d2h. No global short flag has a value.
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
