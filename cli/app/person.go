package app

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/printable"
	"aws-vault/vault/source"
)

// HasEnvironmentKey reports whether the environment contains an access key.
func (e *Env) HasEnvironmentKey() bool {
	id, _ := e.Getenv("AWS_ACCESS_KEY_ID")
	secret, _ := e.Getenv("AWS_SECRET_ACCESS_KEY")
	return id != "" && secret != ""
}

// SignInFlags contains the flags that select how the user signs in.
type SignInFlags struct {
	Stdout bool
	flow   string
	Share  bool
}

// The ways to sign in to IAM Identity Center.
const (
	FlowBrowser = "browser"
	FlowDevice  = "device"
)

// BindStdout registers --stdout.
func (f *SignInFlags) BindStdout(c *kingpin.CmdClause) {
	c.Flag("stdout", "Print the sign-in link instead of opening a browser. In spite of the flag's name, the link goes to stderr.").Envar("AWS_VAULT_STDOUT").BoolVar(&f.Stdout)
}

// Bind registers --stdout and --sso-flow.
func (f *SignInFlags) Bind(c *kingpin.CmdClause) {
	f.BindStdout(c)
	f.BindFlow(c)
}

// BindFlow registers --sso-flow.
func (f *SignInFlags) BindFlow(c *kingpin.CmdClause) {
	c.Flag("sso-flow", "How to sign in to Identity Center: browser (on this machine) or device (type a code on any device). Default: browser, if one can be opened.").
		Envar("AWS_VAULT_SSO_FLOW").PlaceHolder("browser|device").EnumVar(&f.flow, FlowBrowser, FlowDevice)
}

// Person returns how the user can sign in on this machine. This depends on the flags and on what the machine supports.
func (e *Env) Person(f SignInFlags) source.User {
	reachable := e.browserReachable()
	p := source.User{
		Show: e.showSignIn, SeesOutput: e.StderrTerminal, Peers: e.Peers, Hostname: e.Host, Remote: !reachable,
		UseDevice: f.flow == FlowDevice || f.flow == "" && !reachable,
	}
	chosen := f.flow != "" || f.Stdout // a user who sets these flags reads the output, which has the link
	p.Unattended = !chosen && !reachable && e.inCI() && !e.StderrTerminal && !e.HasTerminal()
	if reachable && !f.Stdout && e.OpenBrowser != nil {
		p.OpenBrowser = e.OpenBrowser
	}
	return p
}

// inCI reports whether this process runs in a continuous integration system. These systems set the variable CI.
func (e *Env) inCI() bool {
	ci, _ := e.Getenv("CI")
	return ci != "" && ci != "false" && ci != "0"
}

// showSignIn prints a message about a sign-in to stderr. If stderr is not a terminal, another program may read
// stderr and not show the message to the user. showSignIn then also prints the message to the terminal.
func (e *Env) showSignIn(message string) {
	line := fmt.Sprintf("aws-vault: %s\n", printable.Line(message))
	fmt.Fprint(e.Stderr, line)
	if e.StderrTerminal || e.Prompt.OpenTTY == nil {
		return
	}
	if tty, err := e.Prompt.OpenTTY(); err == nil {
		defer tty.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		tty.Write(ctx, line) // ignore an error, because stderr contains the message too
	}
}

// browserReachable reports whether a browser that this process starts would be visible to the user and could connect to
// this machine.
func (e *Env) browserReachable() bool {
	set := func(name string) bool { v, _ := e.Getenv(name); return v != "" }
	switch {
	case set("SSH_CONNECTION"), set("SSH_TTY"):
		return false
	case runtime.GOOS == "darwin", runtime.GOOS == "windows":
		return true
	case set("DISPLAY"), set("WAYLAND_DISPLAY"):
		return true
	case set("WSL_DISTRO_NAME"):
		_, err := e.LookPath("wslview")
		return err == nil
	}
	return false
}

// HasTerminal reports whether this process has a terminal for prompts.
func (e *Env) HasTerminal() bool {
	if e.Prompt.OpenTTY == nil {
		return false
	}
	tty, err := e.Prompt.OpenTTY()
	if err != nil {
		return false
	}
	tty.Close()
	return true
}
