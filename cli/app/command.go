package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// A Verb is a command: its kingpin description, its function, and whether coding agents may run it.
type Verb struct {
	Command *kingpin.CmdClause
	Run     func(context.Context) error

	// Agents reports whether coding agents may run the command.
	Agents bool
	// Effect describes what the command does, such as "stores a long-lived key". The error for coding agents contains
	// this text. Effect may be empty.
	Effect string
}

// Examples returns the text of a command's two examples, for [kingpin.CmdClause.HelpLong]. Each example has two
// lines: a comment and a command line. The help page and the man page show the examples.
func Examples(comment, line, comment2, line2 string) string {
	return strings.Join([]string{comment, line, comment2, line2}, "\n")
}

// A PersonFlag is a boolean flag that coding agents must not use. They may run the flag's command without the flag.
type PersonFlag struct {
	Value  *bool
	Effect string // what the flag does, for the error message
}

// Set parses the value of the flag.
func (f PersonFlag) Set(text string) error {
	given, err := strconv.ParseBool(text)
	*f.Value = given
	return err
}

// String returns the value of the flag as text.
func (f PersonFlag) String() string { return strconv.FormatBool(*f.Value) }

// IsBoolFlag tells kingpin that the flag needs no value on the command line.
func (f PersonFlag) IsBoolFlag() bool { return true }

// An AgentError reports that a coding agent used a command or a flag that only people may use.
type AgentError struct {
	What     string // the command or flag, as the error message names it
	Effect   string
	Variable string // the environment variable that identified the agent
}

func (e *AgentError) Error() string {
	text := fmt.Sprintf("coding agents cannot use %s (%s is set)", e.What, e.Variable)
	if e.Effect != "" {
		text += ": it " + e.Effect
	}
	return text
}

// Remedy returns the hint for this error.
func (*AgentError) Remedy() string {
	return "run the command yourself in a terminal that the coding agent did not start"
}

// Exit statuses of aws-vault itself. If exec runs a command, the exit status is usually that of the command.
const (
	StatusOK          = 0
	StatusFailed      = 1
	StatusUsage       = 2
	StatusNotRunnable = 126
	StatusNotFound    = 127
)

// StatusInterrupted is the exit status after Ctrl-C or after the user cancels a prompt.
const StatusInterrupted = 130

// A StatusError ends the program with this exit status. No error message is printed.
type StatusError int

func (e StatusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A UsageError reports an invalid command line that the flag parser does not detect.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }
