package run

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/system"
	"aws-vault/vault/printable"
)

type serveFlags struct {
	app.CredentialFlags
	profiles []string
	address  string
	socket   string
	tokenDir string
	format   string
	audit    string
	lazy     bool
	status   bool

	containers bool
}

// serveAddress is the default address of serve. Port 0 makes the system choose a free port. With a fixed port,
// another user could wait until the server ends, then listen at that port and receive the requests from programs.
const serveAddress = "127.0.0.1:0"

func ServeCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f serveFlags
	c := k.Command("serve", "Serve the credentials of profiles to programs that have a token. The server runs until you stop it.").HelpLong(app.Examples(
		"Serve two profiles.", "aws-vault serve dev prod",
		"Set the variables that point to a running server.", `eval "$(aws-vault serve --status --format export-env dev)"`))
	c.Arg("profile", "Profiles to serve. Default: the profile in AWS_PROFILE.").StringsVar(&f.profiles)
	c.Flag("address", "Local address to listen on, such as 127.0.0.1:9699. Default: a free port of 127.0.0.1.").PlaceHolder("HOST:PORT").StringVar(&f.address)
	c.Flag("socket", "Listen on this Unix socket instead, for a proxy that serves containers.").PlaceHolder("PATH").StringVar(&f.socket)
	c.Flag("token-dir", "Write the token of each profile to a file in this directory. The file has the name of the profile.").PlaceHolder("DIR").StringVar(&f.tokenDir)
	c.Flag("format", "Format of the printed variables that point to the server: "+serveFormatNames()+".").PlaceHolder("FORMAT").Default("env").EnumVar(&f.format, serveFormatList()...)
	c.Flag("duration", "How long the credentials are valid, such as 2h.").Short('d').Envar("AWS_VAULT_DURATION").PlaceHolder("TIME").
		SetValue(app.DurationFlag{Into: &f.Duration, Name: "--duration or AWS_VAULT_DURATION"})
	f.Limits.Bind(c)
	c.Flag("lazy", "Create the credentials at the first request to the server.").BoolVar(&f.lazy)
	bindAudit(c, &f.audit)
	c.Flag("status", "Show what is served now, and print the variables that point to it.").BoolVar(&f.status)
	c.Flag("containers", "Print the variables for containers that use the proxy. This is the default with --socket.").BoolVar(&f.containers)
	f.SignIn.Bind(c)
	return []app.Verb{{Command: c, Effect: "keeps providing credentials after the agent has ended", Run: func(ctx context.Context) error {
		if f.status {
			return serveStatus(a, f)
		}
		return serve(ctx, a, f)
	}}}
}

// serve runs a server that provides the credentials of the profiles until the context ctx ends.
func serve(ctx context.Context, a *app.App, f serveFlags) error {
	if err := pickServedProfiles(ctx, a, &f); err != nil {
		return err
	}
	state, err := a.State()
	if err != nil {
		return err
	}
	l, registered, err := openServer(ctx, a, state, &f)
	if err != nil {
		return err
	}
	defer registered.unregister()
	defer l.Close()
	running, end := context.WithCancel(ctx)
	v, err := newProfileServer(running, a, f, registered.at)
	if err != nil {
		end()
		return err
	}
	defer v.close()
	defer end()
	if err := v.begin(ctx); err != nil {
		return err
	}
	if registered.at.socket == "" && !f.containers { // containers do not see the config file of this user
		if err := app.CheckDefaultProfile(a, v.session, f.profiles[0], true); err != nil {
			return err
		}
	}
	a.Env.Programs.SetTerminalBusy() // from now on, nothing may prompt at the terminal
	defer system.IgnoreTerminalStops()()
	if err := v.announce(registered); err != nil {
		return err
	}
	notify(a, "READY=1\nSTATUS=serving "+strings.Join(f.profiles, ", "))
	var watch sync.WaitGroup
	watch.Go(func() { v.watch(running, configInterval) })
	err = v.serve(running, l)
	end()
	watch.Wait()
	notify(a, "STOPPING=1")
	return err
}

// configInterval is the time between checks for changes of the config files.
const configInterval = 2 * time.Second

// pickServedProfiles sets the profile if the command line names none. It returns an error if a profile is named twice.
func pickServedProfiles(ctx context.Context, a *app.App, f *serveFlags) error {
	if f.Profile, _ = a.Env.Getenv("AWS_PROFILE"); len(f.profiles) == 0 {
		name, err := a.PickProfile(ctx, f.Profile)
		if err != nil {
			return err
		}
		f.profiles = []string{name}
	}
	seen := map[string]bool{}
	for _, name := range f.profiles {
		if seen[name] {
			return &app.UsageError{Text: fmt.Sprintf("profile %s is given twice", printable.Quote(name))}
		}
		seen[name] = true
	}
	return nil
}
