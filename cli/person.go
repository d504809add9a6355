package cli

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/source"
)

// signInFlags say how a person signs in.
type signInFlags struct {
	stdout bool
	flow   string
	share  bool
}

// The ways to sign in to IAM Identity Center.
const (
	flowBrowser = "browser"
	flowDevice  = "device"
)

func (f *signInFlags) bindStdout(c *kingpin.CmdClause) {
	c.Flag("stdout", "Print the link to sign in with, on stderr, instead of opening a browser.").Envar("AWS_VAULT_STDOUT").BoolVar(&f.stdout)
}

func (f *signInFlags) bind(c *kingpin.CmdClause) {
	f.bindStdout(c)
	f.bindFlow(c)
}

func (f *signInFlags) bindFlow(c *kingpin.CmdClause) {
	c.Flag("sso-flow", "How to sign in to IAM Identity Center: with a browser of this machine, or with a code typed on any device.").
		Envar("AWS_VAULT_SSO_FLOW").PlaceHolder("browser|device").EnumVar(&f.flow, flowBrowser, flowDevice)
}

// person is whoever signs in, as far as the flags and this machine let them.
func (a *app) person(f signInFlags) source.Person {
	reachable := a.browserReachable()
	p := source.Person{
		Show: a.show, Reads: a.env.Read, Peers: a.env.Peers, Host: a.env.Host, Away: !reachable,
		Device: f.flow == flowDevice || f.flow == "" && !reachable,
	}
	if reachable && !f.stdout && a.env.Browse != nil {
		p.Browse = a.env.Browse
	}
	return p
}

// show tells a person where to sign in. Where stderr is read by a program, it is written to
// the terminal too: a program that runs us for credentials keeps it to itself.
func (a *app) show(message string) {
	line := fmt.Sprintf("aws-vault: %s\n", message)
	fmt.Fprint(a.env.Stderr, line)
	if a.env.Read || a.env.Prompt.OpenTTY == nil {
		return
	}
	if tty, err := a.env.Prompt.OpenTTY(); err == nil {
		defer tty.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		tty.Write(ctx, line) // stderr has it too
	}
}

// browserReachable reports whether a browser that a program opens here would come before
// the person who runs it, and could bring an answer back to this machine.
func (a *app) browserReachable() bool {
	set := func(name string) bool { v, _ := a.env.Getenv(name); return v != "" }
	switch {
	case set("SSH_CONNECTION"), set("SSH_TTY"):
		return false
	case runtime.GOOS == "darwin", runtime.GOOS == "windows":
		return true
	case set("DISPLAY"), set("WAYLAND_DISPLAY"):
		return true
	case set("WSL_DISTRO_NAME"):
		_, err := a.env.LookPath("wslview")
		return err == nil
	}
	return false
}
