package prompt

import (
	"context"
)

// terminal asks the user on the controlling terminal. It does not use standard input and output, which may be
// pipes with other data. The only control characters that it writes are backspaces and line feeds. It sends no
// queries to the terminal.
var terminal = Driver{
	Name:     "terminal",
	Terminal: true,
	Works:    terminalWorks,
	Ask:      askTerminal,
}

func terminalWorks(env Env) error {
	tty, err := env.OpenTTY()
	if err != nil {
		return err
	}
	return tty.Close()
}

func askTerminal(ctx context.Context, env Env, r Request) (answer string, err error) {
	tty, err := openKeys(env)
	if err != nil {
		return "", err
	}
	defer tty.Close()
	defer func() {
		// Enter and Ctrl-C are not echoed, so start a new line for the next output.
		_ = tty.Write(ctx, "\n")
		// If a question for a secret fails, the unread rest of a pasted secret must not reach the shell.
		if e := tty.Restore(err != nil && r.Kind.hidden()); err == nil && e != nil {
			answer, err = "", e
		}
	}()
	for _, l := range r.preface() {
		if err := tty.Write(ctx, l+"\n"); err != nil {
			return "", err
		}
	}
	answer, err = readLine(ctx, tty, terminalQuestion(r), terminalEcho(r.Kind))
	if err == nil && r.Kind == Confirm {
		return confirmAnswer(isYes(answer)), nil
	}
	return answer, err
}

func openKeys(env Env) (TTY, error) {
	tty, err := env.OpenTTY()
	if err != nil {
		return nil, err
	}
	if env.CatchSignals != nil {
		env.CatchSignals()
	}
	if err := tty.EnableKeys(); err != nil {
		tty.Close()
		return nil, err
	}
	return tty, nil
}

func terminalQuestion(r Request) string {
	if r.Kind == Confirm {
		return r.question() + " (y|N) "
	}
	return r.question() + ": "
}

func terminalEcho(k Kind) echo {
	switch k {
	case Passphrase:
		return echoNothing
	case Secret:
		return echoStars
	}
	return echoPlain
}
