package policy

import (
	"strings"

	"aws-vault/vault/ascii"
)

// An Agent is the coding agent that runs this program.
type Agent struct {
	Name     string // only characters that a session tag may contain
	Variable string // the environment variable that revealed the agent
}

// marker is a set of environment variables that show that an agent runs the program.
type marker struct {
	variables []string
	name      string // the agent's name; empty if the value of the variable is the name
	ambiguous bool   // whether the variable can also be set when no agent runs
}

// markers lists all markers in order of priority. They are only a hint and not a security boundary, because any
// program can unset the variables.
var markers = []marker{
	{variables: []string{"AGENT"}, ambiguous: true},
	{variables: []string{"AI_AGENT"}},
	{variables: []string{"CLAUDECODE", "CLAUDE_CODE"}, name: "claude-code"},
	// Cursor does not document this variable, so its meaning is an assumption.
	{variables: []string{"CURSOR_TRACE_ID"}, name: "cursor", ambiguous: true},
	{variables: []string{"CURSOR_AGENT"}, name: "cursor"},
	{variables: []string{"GEMINI_CLI"}, name: "gemini-cli"},
	{variables: []string{"CODEX_SANDBOX", "CODEX_THREAD_ID"}, name: "codex"},
	{variables: []string{"COPILOT_MODEL", "COPILOT_CLI"}, name: "copilot"},
	{variables: []string{"AUGMENT_AGENT"}, name: "augment"},
	{variables: []string{"ANTIGRAVITY_AGENT"}, name: "antigravity"},
	{variables: []string{"OPENCODE_CLIENT", "OPENCODE"}, name: "opencode"},
	{variables: []string{"CLINE_ACTIVE"}, name: "cline"},
	{variables: []string{"KIRO_SESSION_ID"}, name: "kiro"},
	{variables: []string{"AMP_CURRENT_THREAD_ID"}, name: "amp"},
	{variables: []string{"PI_CODING_AGENT"}, name: "pi"},
}

// AgentVariables returns all environment variables that show an agent, in order of priority.
func AgentVariables() []string {
	var all []string
	for _, m := range markers {
		all = append(all, m.variables...)
	}
	return all
}

// DetectAgent returns the coding agent that the environment variables show, and whether they show an agent. Only
// variables that are not empty count. An ambiguous variable counts only if there is no controlling terminal.
// DetectAgent calls the function terminal at most once.
func DetectAgent(lookup func(string) (string, bool), terminal func() bool) (Agent, bool) {
	asked, there := false, false
	alone := func() bool {
		if !asked {
			asked, there = true, terminal()
		}
		return !there
	}
	for _, m := range markers {
		for _, variable := range m.variables {
			value, _ := lookup(variable)
			if value == "" || m.ambiguous && !alone() {
				continue
			}
			if m.name != "" {
				value = m.name
			}
			return Agent{Name: AgentName(value), Variable: variable}, true
		}
	}
	return Agent{}, false
}

// maxTagValue is the maximum length of the value of a session tag.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
const maxTagValue = 256

// AgentName converts a name to the value of a session tag. It replaces invalid characters with "-".
func AgentName(name string) string {
	name = strings.Map(func(r rune) rune {
		if ascii.IsAlphanumeric(r) || strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), maxTagValue)]
}
