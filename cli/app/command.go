package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// A Verb is a command as it was described to kingpin, what it does, and who may use it.
type Verb struct {
	Command *kingpin.CmdClause
	Run     func(context.Context) error

	// Agents opens the command to coding agents. It is closed to them otherwise.
	Agents bool
	// Effect says why the command is closed, for the error; empty for no more than that it is.
	Effect string
}

// Examples returns the examples of a command in the form in which its help page and the man page read them,
// for [kingpin.CmdClause.HelpLong]. Each example is a comment and a command line.
func Examples(comment, line, comment2, line2 string) string {
	return strings.Join([]string{comment, line, comment2, line2}, "\n")
}

// A PersonFlag is a flag that coding agents may not use, of a command that they may use.
type PersonFlag struct {
	Value  *bool
	Effect string // what the flag does, for the error
}

func (f PersonFlag) Set(text string) error {
	given, err := strconv.ParseBool(text)
	*f.Value = given
	return err
}

func (f PersonFlag) String() string { return strconv.FormatBool(*f.Value) }

// IsBoolFlag tells kingpin that the flag has no value.
func (f PersonFlag) IsBoolFlag() bool { return true }

// An AgentError reports a command or a flag that is closed to coding agents.
type AgentError struct {
	What     string // in words
	Effect   string
	Variable string // that shows the agent
}

func (e *AgentError) Error() string {
	text := fmt.Sprintf("%s is closed to coding agents, and %s is set", e.What, e.Variable)
	if e.Effect != "" {
		text += ": it " + e.Effect
	}
	return text
}

func (*AgentError) Remedy() string {
	return "run it yourself, in a terminal that was not started by a coding agent"
}

// The exit statuses that are not a command's own.
const (
	StatusOK          = 0
	StatusFailed      = 1
	StatusUsage       = 2
	StatusNotRunnable = 126
	StatusNotFound    = 127
)

// StatusInterrupted is the exit status of a run that Ctrl-C has ended, or the user's no.
const StatusInterrupted = 130

// A StatusError ends the program with a status of its own and without another word.
type StatusError int

func (e StatusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A UsageError is a command line that flags alone could not refuse.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }
