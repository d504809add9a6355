package prompt

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// pinentry asks the user through GnuPG's program pinentry, which has variants for desktops and for terminals. The
// program inherits DISPLAY, WAYLAND_DISPLAY and PINENTRY_USER_DATA from this process. It receives the terminal's
// name as an option.
// https://www.gnupg.org/documentation/manuals/pinentry/Protocol.html
var pinentry = Driver{
	Name:  "pinentry",
	Works: pinentryWorks,
	Ask:   askPinentry,
}

// These are error codes of libgpg-error: the low sixteen bits of an error value.
const (
	gpgCancelled      = 99
	gpgNotConfirmed   = 114
	gpgFullyCancelled = 198
)

// pinentryWorks asks pinentry for its flavor. Some flavors prompt on the terminal, and some report that they fall
// back to the terminal ("gnome3:curses"). These flavors work only if there is a terminal.
func pinentryWorks(env Env) error {
	flavor, err := pinentryFlavor(env)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(flavor, "curses") && !strings.HasSuffix(flavor, "tty") {
		return nil
	}
	if _, err := terminalName(env); err != nil {
		return fmt.Errorf("pinentry (flavor %s) needs a terminal: %w", sanitize(flavor), err)
	}
	return nil
}

func pinentryFlavor(env Env) (string, error) {
	path, err := pinentryPath(env)
	if err != nil {
		return "", err
	}
	out, err := env.probe([]string{path}, []byte("GETINFO flavor\nBYE\n"))
	if err != nil {
		return "", err
	}
	replies, err := assuanReplies(out, 1)
	if err != nil {
		return "", err
	}
	// An old pinentry does not know this command and returns no data. The flavor is then empty, and pinentry is
	// treated as graphical.
	return string(replies[0].data), nil
}

// pinentryPath returns the path of pinentry-mac, which uses native macOS windows. If pinentry-mac is not installed,
// it returns the path of pinentry.
func pinentryPath(env Env) (string, error) {
	if path, err := env.LookPath("pinentry-mac"); err == nil {
		return path, nil
	}
	return env.LookPath("pinentry")
}

// terminalName returns the name of the terminal that pinentry may use.
func terminalName(env Env) (string, error) {
	if name := env.variable("GPG_TTY"); name != "" {
		return name, nil
	}
	tty, err := env.OpenTTY()
	if err != nil {
		return "", err
	}
	return controllingTerminal, tty.Close()
}

func askPinentry(ctx context.Context, env Env, r Request) (string, error) {
	path, err := pinentryPath(env)
	if err != nil {
		return "", err
	}
	commands := pinentryCommands(env, r)
	out, err := env.Run(ctx, []string{path}, []byte(strings.Join(commands, "")+"BYE\n"))
	if err != nil {
		return "", err
	}
	replies, err := assuanReplies(out, len(commands))
	if err != nil {
		return "", err
	}
	return pinentryAnswer(r.Kind, replies[len(replies)-1])
}

// pinentryAnswer returns the answer in the reply to the last command. The replies to earlier commands are ignored,
// because an old pinentry rejects options that it does not know, but still prompts.
func pinentryAnswer(k Kind, last reply) (string, error) {
	var refused *AssuanError
	if !errors.As(last.err, &refused) {
		if k == Confirm {
			return confirmAnswer(true), nil
		}
		return string(last.data), nil
	}
	switch code := refused.Code & 0xFFFF; {
	case k == Confirm && (code == gpgCancelled || code == gpgNotConfirmed):
		return confirmAnswer(false), nil
	case code == gpgCancelled || code == gpgFullyCancelled:
		return "", ErrCancelled
	}
	return "", refused
}

// pinentryCommands returns the commands for pinentry. The last command asks the question. All commands can be sent
// at once, because pinentry finishes each command before it reads the next command.
func pinentryCommands(env Env, r Request) []string {
	var lines []string
	option := func(name, value string) {
		if value != "" {
			lines = append(lines, assuanLine("OPTION", name+"="+value))
		}
	}
	if name, err := terminalName(env); err == nil {
		option("ttyname", name)
	}
	option("ttytype", env.variable("TERM"))
	option("lc-ctype", firstVariable(env, "LC_ALL", "LC_CTYPE", "LANG"))
	option("display", env.variable("DISPLAY"))
	lines = append(lines, assuanLine("SETTITLE", title))
	if r.RetryReason != "" {
		lines = append(lines, assuanLine("SETERROR", sanitize(r.RetryReason)))
		r.RetryReason = ""
	}
	lines = append(lines, assuanLine("SETDESC", r.message()))
	if r.Kind == Confirm {
		return append(lines, assuanLine("CONFIRM", ""))
	}
	return append(lines, assuanLine("SETPROMPT", r.Kind.String()+":"), assuanLine("GETPIN", ""))
}

// firstVariable returns the value of the first of these variables that is set and not empty.
func firstVariable(env Env, names ...string) string {
	for _, name := range names {
		if v := env.variable(name); v != "" {
			return v
		}
	}
	return ""
}
