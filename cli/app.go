// Package cli is the command line: flags in, text and an exit status out. What
// credentials are made, and how, is package vault's business.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/prompt"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/peer"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// Env is the world that the program runs in.
type Env struct {
	Version string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(name string) (string, bool)
	Environ func() []string
	Home    string // empty if there is none
	User    string // the system's name for who runs us
	Prompt  prompt.Env
	Now     func() time.Time

	// Peers decides who may connect to what this program opens. Main sets what is called for
	// those who are refused.
	Peers peer.Check

	// Caller is the name of the program that started us; empty if that is not known.
	Caller func() string

	// Terminal reports whether stdout is a terminal.
	Terminal bool
	// Read reports whether stderr is a terminal, where a person reads it.
	Read bool
	// Host is this machine's name; empty if it has none.
	Host string
	// Browse opens a page in a browser of this machine, and does not wait for it.
	Browse func(url string) error
	// Start starts a program of the desktop's, and does not wait for it.
	Start func(argv []string) error
	// LookPath finds a program, as exec.LookPath does.
	LookPath func(program string) (string, error)
	// Self is the path of this program, as its user would write it.
	Self func() (string, error)
	// Exec becomes the program, or runs it and returns its exit status where a process
	// cannot become another.
	Exec func(ctx context.Context, path string, argv, environ []string) (status int, err error)
	// Run runs the program beside us and returns its exit status, or 128 and its number if
	// a signal ended it. Meanwhile a signal to us goes on to the program, which may live on:
	// what serves it must not end with the context that Main was given.
	Run func(path string, argv, environ []string) (status int, err error)
	// Again runs this program anew, without a terminal, and returns an error unless it is content.
	Again func(ctx context.Context, args ...string) error
	// OpenKeystore opens the keystore, as keystore.Open does.
	OpenKeystore func(ctx context.Context, c keystore.Config) (*keystore.Keystore, error)
	// Holder is the name of the program that likely keeps hardware keys from us; empty if that is not known.
	Holder func() string
	// Shell runs a line of the user's config and returns what it prints.
	Shell func(ctx context.Context, line string, environ []string, most int64) ([]byte, error)
	// Programs starts programs for packages that run some. Nil is one that no program has started.
	Programs *program.Starter
}

// The exit statuses that are not a command's own.
const (
	statusDone        = 0
	statusFailed      = 1
	statusUsage       = 2
	statusNotRunnable = 126
	statusNotFound    = 127
)

// StatusInterrupted is the exit status of a run that Ctrl-C has ended, or the user's no.
const StatusInterrupted = 130

// Main runs one command line, without the program's name, and returns its exit status.
func Main(ctx context.Context, args []string, env Env) (status int) {
	a := &app{
		env: env, log: slog.New(slog.DiscardHandler), alone: new(atomic.Bool), memory: sync.OnceValue(keystore.Memory),
		trades: new(source.Trades),
	}
	a.env.Prompt.KeyCode = a.keyCode
	if a.env.Programs == nil {
		a.env.Programs = &program.Starter{}
	}
	a.state = sync.OnceValues(a.findState)
	a.env.Peers.Refused = a.warnStrangers()
	k := a.parser(meant(args)...)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case terminated:
			status = int(r)
		default:
			panic(r)
		}
	}()
	if status, asked := a.completion(k, args); asked {
		return status
	}
	left, command, _ := splitCommand(k, args)
	a.words = command
	name, err := k.Parse(left)
	if err != nil {
		fmt.Fprintf(env.Stderr, "aws-vault: error: %v\naws-vault: hint: see aws-vault --help\n", err)
		return statusUsage
	}
	if a.debug {
		a.log = slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if err := a.globals.check(); err != nil && name != "doctor" { // which finds that itself
		return a.report(name, err)
	}
	if err := a.agentRefusal(k, name); err != nil {
		return a.report(name, err)
	}
	if err := a.needState(name); err != nil {
		return a.report(name, err)
	}
	if name != "exec" && name != "export" {
		ctx.Done() // these may write before they wait, and are not to be ended in the middle of it
	}
	err = a.verb.run(ctx)
	a.trades.Close()
	return a.report(name, err)
}

// terminated is how kingpin's wish to end the process comes back to Main.
type terminated int

// An app is one run of the program.
type app struct {
	env     Env
	log     *slog.Logger
	globals globals
	debug   bool
	verb    verb     // of the command that was parsed
	words   []string // the command to run, split off before flags were read
	opened  string   // the keystore in use, once it is
	secret  string   // the password of the security key, once it was right
	opener  string   // the one opener of the sealed keystore to use; empty for any
	serves  bool     // a program reads what we print, and its user may not know why they are asked

	state  func() (*disk.Folder, error) // findState, once
	alone  *atomic.Bool                 // it was said that there is no state folder
	trades *source.Trades               // that the process does not end in the middle of

	memory func() keystore.Ring // keeps sessions where there is no state folder
}

// parser knows these commands.
func (a *app) parser(known ...func(*kingpin.Application, *app)) *kingpin.Application {
	kingpin.EnableFileExpansion, kingpin.ManPageTemplate = false, manTemplate
	k := kingpin.New("aws-vault", "Keeps AWS credentials in a keystore and hands out short-lived ones.")
	k.UsageWriter(a.env.Stdout).ErrorWriter(a.env.Stderr)
	k.Terminate(func(status int) { panic(terminated(status)) })
	k.Version(a.env.Version).VersionFlag.Short('v').Help("Print the version.")
	k.HelpFlag.Short('h').Help("Show this page; --help-long shows all pages, --help-man the manual page.")
	k.UsageTemplate(helpTemplate).UsageFuncs(map[string]any{"help": help, "man": man})
	k.Flag("debug", "Write a log to stderr. It never holds a secret.").BoolVar(&a.debug)
	a.globals.bind(k)
	for _, add := range known {
		add(k, a)
	}
	return k
}

// meant are the commands that a command line may mean. What programs run all day is told by
// its first word: to describe all the others takes a third of a millisecond.
func meant(args []string) []func(*kingpin.Application, *app) {
	if len(args) == 0 || slices.ContainsFunc(args, func(arg string) bool { return arg == "-h" || strings.HasPrefix(arg, "--help") }) {
		return commands
	}
	switch args[0] {
	case "exec":
		return []func(*kingpin.Application, *app){execCommand}
	case "export":
		return []func(*kingpin.Application, *app){exportCommand}
	case "--version", "-v", "version":
		return []func(*kingpin.Application, *app){versionCommand}
	}
	return commands
}

// commands are the verbs, in the order in which help lists them.
var commands = []func(*kingpin.Application, *app){
	addCommand,
	listCommand,
	execCommand,
	exportCommand,
	serveCommand,
	loginCommand,
	explainCommand,
	policyCommand,
	setupCommand,
	ssoCommand,
	oidcCommand,
	identityCommand,
	awsLoginCommand,
	mfaCommand,
	certificateCommand,
	clearCommand,
	removeCommand,
	rotateCommand,
	backendsCommand,
	importCommand,
	migrateCommand,
	rekeyCommand,
	proxyCommand,
	sealedCommand,
	unlockCommand,
	lockCommand,
	doctorCommand,
	versionCommand,
}

// action says what the command does. Nothing is done before all flags were read.
func (a *app) action(c *kingpin.CmdClause, v verb) {
	c.Action(func(*kingpin.ParseContext) error {
		a.verb = v
		return nil
	})
}

// A statusError ends the program with a status of its own and without another word.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// report says what went wrong and what to do about it, and returns the exit status.
func (a *app) report(command string, err error) int {
	var status statusError
	var usage *usageError
	switch {
	case err == nil:
		return statusDone
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(a.env.Stderr, "aws-vault: error: %s: %s\n", command, a.shorten(err.Error()))
	a.printHints(err)
	var driver *prompt.UnknownDriverError
	var notRunnable *commandError
	var elsewhere *store.MakerError
	switch {
	case errors.As(err, &usage), errors.As(err, &driver):
		return statusUsage
	case errors.As(err, &notRunnable):
		return notRunnable.status
	case errors.Is(err, prompt.ErrCancelled), errors.Is(err, context.Canceled), errors.As(err, &elsewhere) && elsewhere.Cancelled:
		return StatusInterrupted
	}
	return statusFailed
}

// A usageError is a command line that flags alone could not refuse.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// note tells the user something that loses nothing.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.env.Stderr, "aws-vault: note: %s\n", a.shorten(fmt.Sprintf(format, args...)))
}

func (a *app) warn(err error) {
	fmt.Fprintf(a.env.Stderr, "aws-vault: warning: %s\n", a.shorten(err.Error()))
}

// printHints prints what to do about an error.
func (a *app) printHints(err error) {
	for _, h := range hints(err, a.hintFacts()) {
		fmt.Fprintf(a.env.Stderr, "aws-vault: hint: %s\n", h)
	}
}

func (a *app) hintFacts() hintFacts {
	return hintFacts{keystore: a.opened, lastKeystore: a.lastKeystore}
}

// warnWithRemedy is warn for what the user should do something about.
func (a *app) warnWithRemedy(err error) {
	a.warn(err)
	a.printHints(err)
}

func (a *app) print(format string, args ...any) { fmt.Fprintf(a.env.Stdout, format, args...) }
