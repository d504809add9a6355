package policy

import (
	"strings"

	"aws-vault/vault/ascii"
)

// An Agent is a coding agent that runs this program.
type Agent struct {
	Name     string // in characters that a session tag takes
	Variable string // what gave it away
}

// marker is a set of variables by which one agent is known.
type marker struct {
	variables []string
	name      string // empty where the variable's value is the name
	ambiguous bool   // people have the variable in their terminals too
}

// markers are in the order in which they count. They are a hint and no boundary: any program
// can unset them.
var markers = []marker{
	{variables: []string{"AGENT"}, ambiguous: true},
	{variables: []string{"AI_AGENT"}},
	{variables: []string{"CLAUDECODE", "CLAUDE_CODE"}, name: "claude-code"},
	{variables: []string{"CURSOR_TRACE_ID"}, name: "cursor", ambiguous: true}, // [K]
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

// Markers returns the variables by which agents are known, in the order in which they count.
func Markers() []string {
	var all []string
	for _, m := range markers {
		all = append(all, m.variables...)
	}
	return all
}

// Running returns the coding agent that the environment names, and whether it names one. A
// variable counts when it is set and not empty; one that people have too counts only without
// a controlling terminal, which terminal is asked for at most once.
func Running(lookup func(string) (string, bool), terminal func() bool) (Agent, bool) {
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

// maxTagValue is the longest value of a session tag.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
const maxTagValue = 256

// AgentName is a name as the value of a session tag: what a tag does not take becomes "-".
func AgentName(name string) string {
	name = strings.Map(func(r rune) rune {
		if ascii.IsAlphanumeric(r) || strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), maxTagValue)]
}
