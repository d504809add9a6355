//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/policy"
)

// TestEachAgent runs a command with each environment variable that identifies a coding agent, and without any of
// these variables. AWS must receive exactly the policy and tags of the agent. No two agents may share a cached
// session.
func TestEachAgent(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, _ := home(t, aws)
	aws.Reset()
	const chain = "AssumeRole arn:aws:iam::123456789012:role/readonly duration=3600 session=aws-vault-alice"
	names := map[string]string{
		"": "", "AGENT": "value", "AI_AGENT": "value/1", "CLAUDECODE": "claude-code", "CLAUDE_CODE": "claude-code", "CURSOR_TRACE_ID": "cursor", "CURSOR_AGENT": "cursor",
		"GEMINI_CLI": "gemini-cli", "CODEX_SANDBOX": "codex", "CODEX_THREAD_ID": "codex", "COPILOT_MODEL": "copilot", "COPILOT_CLI": "copilot",
		"AUGMENT_AGENT": "augment", "ANTIGRAVITY_AGENT": "antigravity", "OPENCODE_CLIENT": "opencode", "OPENCODE": "opencode", "CLINE_ACTIVE": "cline",
		"KIRO_SESSION_ID": "kiro", "AMP_CURRENT_THREAD_ID": "amp", "PI_CODING_AGENT": "pi",
	}
	served := map[string]string{} // the names of agents, keyed by access key id
	for _, variable := range append([]string{""}, policy.AgentVariables()...) {
		name, ok := names[variable]
		if !ok {
			t.Errorf("%s is not in names", variable)
			continue
		}
		env, want := environ, chain+" by=user/alice"
		if variable != "" {
			env = append(slices.Clip(environ), variable+"="+name)
			want = chain + " tag=aws-vault:AccessType:ai tag=aws-vault:Agent:" + name +
				" transitive=aws-vault:AccessType transitive=aws-vault:Agent policy=arn:aws:iam::aws:policy/ReadOnlyAccess by=user/alice"
		}
		var keys []string
		for range 2 { // the second run uses the cached session
			c := exec.Command(os.Args[0], "exec", "r", "--", "printenv", "AWS_ACCESS_KEY_ID")
			c.Env, c.SysProcAttr = env, &syscall.SysProcAttr{Setsid: true} // Setsid detaches the command from the terminal
			var output strings.Builder
			c.Stderr = &output
			out, err := c.Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", variable, err, output.String())
			}
			if told := strings.Count(output.String(), variable+" is set: the session of this coding agent is limited"); variable != "" && told != 1 || variable == "" && strings.Contains(output.String(), "agent") {
				t.Errorf("%s: want one note about the agent in stderr:\n%s", variable, output.String())
			}
			keys = append(keys, strings.TrimSpace(string(out)))
		}
		if keys[0] != keys[1] {
			t.Errorf("%s: the second run has another key: %q", variable, keys)
		}
		if who, known := served[keys[0]]; known && who != name {
			t.Errorf("%s gets the session of %q", variable, who)
		}
		if calls := aws.Actions(); served[keys[0]] == "" && !slices.Equal(calls, []string{want}) {
			t.Errorf("%s: the calls to AWS are\n%q\nwant\n%s", variable, calls, want)
		}
		served[keys[0]] = name
		aws.Reset()
	}
}
