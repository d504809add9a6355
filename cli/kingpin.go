package cli

import (
	"fmt"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

// A commandLine is the program's commands and flags, as kingpin parses them.
type commandLine struct {
	*kingpin.Application
	verbs []app.Verb
}

// A parsed command line is the command that it names, by its whole name.
type parsed struct {
	name string
	verb app.Verb
}

// describe describes these commands, and the flags that all of them accept.
func describe(a *app.App, commands ...command) commandLine {
	kingpin.EnableFileExpansion, kingpin.ManPageTemplate = false, manTemplate
	k := commandLine{Application: kingpin.New("aws-vault", "Keeps AWS credentials in a keystore and hands out short-lived ones.")}
	k.UsageWriter(a.Env.Stdout).ErrorWriter(a.Env.Stderr)
	k.Terminate(func(status int) { panic(terminated(status)) })
	k.Version(a.Env.Version).VersionFlag.Short('v').Help("Print the version.")
	k.HelpFlag.Short('h').Help("Show this page; --help-long shows all pages, --help-man the manual page.")
	k.UsageTemplate(helpTemplate).UsageFuncs(map[string]any{"help": help, "man": man})
	k.Flag("debug", "Write a log to stderr. It never holds a secret.").BoolVar(&a.Debug)
	a.Globals.Bind(k.Application)
	for _, c := range commands {
		k.verbs = append(k.verbs, c(k.Application, a)...)
	}
	return k
}

// terminated is how kingpin's wish to end the process comes back to Main.
type terminated int

// parse sets the flags that the arguments name, and returns the command. The command that exec is to
// run is split off before and put into its place afterwards: kingpin would read its flags.
func (k commandLine) parse(args []string) (parsed, error) {
	left, words, _ := splitCommand(k.Application, args)
	name, err := k.Parse(left)
	if err != nil {
		return parsed{}, err
	}
	i := slices.IndexFunc(k.verbs, func(v app.Verb) bool { return v.Command.FullCommand() == name })
	if i < 0 {
		return parsed{}, fmt.Errorf("command %q does nothing", name)
	}
	if len(words) > 0 {
		into := k.verbs[i].Command.GetArg("command").Model().Value
		for _, w := range words {
			if err := into.Set(w); err != nil {
				return parsed{}, err
			}
		}
	}
	return parsed{name, k.verbs[i]}, nil
}
