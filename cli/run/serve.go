package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/system"
)

// serveFlags are those of serve.
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
}

// serveAddress is where serve listens by default, at a port that is free. Nobody knows its
// number beforehand, so no other user can wait to take it over when the server ends.
const serveAddress = "127.0.0.1:0"

func ServeCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f serveFlags
	c := k.Command("serve", "Serve credentials of profiles to programs that have a token, until it is stopped.")
	c.Arg("profile", "The profiles; AWS_PROFILE if there is none.").StringsVar(&f.profiles)
	c.Flag("address", "Where to listen on this machine, such as 127.0.0.1:9699; a free port of 127.0.0.1 if there is none.").PlaceHolder("HOST:PORT").StringVar(&f.address)
	c.Flag("socket", "Listen at this file instead, for a proxy of containers.").PlaceHolder("PATH").StringVar(&f.socket)
	c.Flag("token-dir", "Write the tokens to this directory, in files named as the profiles.").PlaceHolder("DIR").StringVar(&f.tokenDir)
	c.Flag("format", "How to print the variables that lead to the server: "+serveFormatNames()+".").PlaceHolder("FORMAT").Default("env").EnumVar(&f.format, serveFormatList()...)
	c.Flag("duration", "How long the credentials should last, such as 2h.").Short('d').Envar("AWS_VAULT_DURATION").PlaceHolder("TIME").
		SetValue(app.DurationFlag{Into: &f.Duration, Name: "--duration or AWS_VAULT_DURATION"})
	f.Limits.Bind(c)
	c.Flag("lazy", "Make credentials when they are first asked for.").BoolVar(&f.lazy)
	bindAudit(c, &f.audit)
	c.Flag("status", "Say what is served now, and print the variables that lead there.").BoolVar(&f.status)
	f.SignIn.Bind(c)
	return []app.Verb{{Command: c, Does: "goes on providing credentials when the agent has ended", Run: func(ctx context.Context) error {
		if f.status {
			return serveStatus(a, f)
		}
		return serve(ctx, a, f)
	}}}
}

// serve serves until ctx ends.
func serve(ctx context.Context, a *app.App, f serveFlags) error {
	if err := pickServed(ctx, a, &f); err != nil {
		return err
	}
	state, err := a.State()
	if err != nil {
		return err
	}
	l, place, err := listen(a, &f)
	if err != nil {
		return err
	}
	defer l.Close()
	_, killed, err := stands(standFolder(state))
	if err != nil {
		return err
	}
	warnKilled(a, slices.DeleteFunc(killed, func(e standEntry) bool { return e.Address == place.address }))
	stand, err := takeStand(ctx, state, place)
	if err != nil {
		return err
	}
	defer stand.leave()
	running, end := context.WithCancel(ctx)
	v, err := newServing(running, a, f, place)
	if err != nil {
		end()
		return err
	}
	defer v.close()
	defer end()
	if err := v.begin(ctx); err != nil {
		return err
	}
	a.Env.Programs.SetTerminalBusy() // from now on nobody may be at the terminal
	defer system.NotStopped()()
	if err := v.announce(stand); err != nil {
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

// configInterval is how often the config file is looked at.
const configInterval = 2 * time.Second

// pickServed fills in the profile where none was named.
func pickServed(ctx context.Context, a *app.App, f *serveFlags) error {
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
			return &app.UsageError{Text: fmt.Sprintf("profile %q is named twice", name)}
		}
		seen[name] = true
	}
	return nil
}
