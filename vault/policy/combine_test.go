package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// allowed evaluates a session policy as AWS does. All policies of a call are evaluated together: a statement must
// allow the action on the resource, and no statement may deny it. The map managed contains the texts of managed
// policies by their ARNs.
func allowed(t testing.TB, p Policy, managed map[string]string, action, resource string) bool {
	t.Helper()
	texts := []string{p.Inline}
	for _, arn := range p.ARNs {
		texts = append(texts, managed[arn])
	}
	yes := false
	for _, text := range texts {
		if text == "" {
			continue
		}
		var d struct {
			Statement []struct{ Effect, Action, NotAction, Resource string }
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Statement {
			hit := matches(s.Action, action) || s.NotAction != "" && !matches(s.NotAction, action)
			if !hit || !matches(s.Resource, resource) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			yes = true
		}
	}
	return yes
}

func matches(pattern, value string) bool {
	prefix, wild := strings.CutSuffix(pattern, "*")
	return pattern != "" && (pattern == value || wild && strings.HasPrefix(value, prefix))
}

var (
	someActions   = []string{"s3:GetObject", "s3:PutObject", "iam:GetUser", "iam:CreateUser", "sts:AssumeRole"}
	someResources = []string{"arn:a", "arn:b"}
	somePatterns  = []string{"*", "s3:*", "s3:Get*", "iam:*", "iam:GetUser", "sts:AssumeRole"}
)

func randomPolicy(r *rand.Rand, managed map[string]string) Policy {
	text := func() string {
		var all []string
		for range 1 + r.IntN(3) {
			key := "Action"
			if r.IntN(5) == 0 {
				key = "NotAction"
			}
			all = append(all, fmt.Sprintf(`{"Sid":"S%d","Effect":%q,%q:%q,"Resource":%q}`, len(all), []string{"Allow", "Deny"}[r.IntN(2)],
				key, somePatterns[r.IntN(len(somePatterns))], []string{"*", "arn:a", "arn:b"}[r.IntN(3)]))
		}
		if r.IntN(2) == 0 {
			all = append(all, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
		}
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`
	}
	var p Policy
	if r.IntN(6) > 0 {
		p.Inline = text()
	}
	if p.Inline == "" || r.IntN(3) == 0 {
		arn := fmt.Sprintf("arn:aws:iam::aws:policy/P%d", len(managed))
		managed[arn] = text()
		p.ARNs = []string{arn}
	}
	return p
}

// A combined policy allows an action only if both policies allow the action.
func TestCombineNeverAllowsMore(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 13))
	combined := 0
	for range 20000 {
		managed := map[string]string{}
		a, b := randomPolicy(r, managed), randomPolicy(r, managed)
		both, err := Combine(a, b)
		if err != nil {
			var conflict *ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("%+v and %+v: %v", a, b, err)
			}
			continue
		}
		combined++
		for _, action := range someActions {
			for _, resource := range someResources {
				whole := allowed(t, both, managed, action, resource)
				each := allowed(t, a, managed, action, resource) && allowed(t, b, managed, action, resource)
				if whole != each {
					t.Fatalf("%s on %s is allowed: %v, by both policies: %v\n%+v\n%+v\n%+v", action, resource, whole, each, a, b, both)
				}
			}
		}
	}
	if combined < 2000 {
		t.Errorf("only %d pairs could be combined", combined)
	}
}

func TestCombine(t *testing.T) {
	readOnly := ReadOnly("aws")
	guard := Policy{Inline: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`}
	old := Policy{Inline: strings.Replace(guard.Inline, `"Version":"2012-10-17",`, "", 1)}
	list := Policy{Inline: `{"Version":"2012-10-17","Statement":{"Sid":"No","Effect":"Allow","Action":["s3:Get*"],"Resource":"*"}}`}
	deniesOnly := Policy{Inline: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`}
	for _, tt := range []struct {
		name string
		a, b Policy
		want string // the combined policy, or "conflict" for a ConflictError
	}{
		{"nothing", Policy{}, Policy{}, "{ []}"},
		{"one", Policy{}, readOnly, fmt.Sprint(readOnly)},
		{"the same", readOnly, readOnly, fmt.Sprint(readOnly)},
		{"two lists", readOnly, list, "conflict"},
		{"a list and a policy that only denies, which allows nothing", list, deniesOnly, "conflict"},
		{"all but", readOnly, guard, `{{"Version":"2012-10-17","Statement":[{"Action":"s3:*","Effect":"Deny","Resource":"*"}]} [arn:aws:iam::aws:policy/ReadOnlyAccess]}`},
		{"a list without some", list, guard, `{{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Allow","Action":["s3:Get*"],"Resource":"*"},{"Action":"s3:*","Effect":"Deny","Resource":"*"}]} []}`},
		{"all", Policy{Inline: AllowAll}, list, fmt.Sprint(list)},
		{"two versions", list, old, "conflict"},
	} {
		for _, pair := range [][2]Policy{{tt.a, tt.b}, {tt.b, tt.a}} {
			got, err := Combine(pair[0], pair[1])
			text := fmt.Sprint(got)
			var conflict *ConflictError
			if errors.As(err, &conflict) {
				text = "conflict"
			} else if err != nil {
				text = err.Error()
			}
			if text != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, text, tt.want)
			}
		}
	}
}

func TestCombineRefuses(t *testing.T) {
	long := strings.Repeat("x", 1500)
	part := func(effect string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"` + effect + `","Action":"s3:*","Resource":"arn:` + long + `"}]}`
	}
	for name, p := range map[string]Policy{
		"too large":    {Inline: part("Deny")},
		"odd effect":   {Inline: part("Perhaps")},
		"no statement": {Inline: `{"Statement":7}`},
		"odd action":   {Inline: `{"Statement":[{"Effect":"Allow","Action":7}]}`},
		"no JSON":      {Inline: "{"},
	} {
		var bad *Error
		if _, err := Combine(p, Policy{Inline: strings.Replace(part("Deny"), "s3", "iam", 1)}); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForChain(t *testing.T) {
	own := Policy{Inline: `{"Statement":[{"Effect":"Allow","Action":"sts:assumerole","Resource":"arn:a"},{"Effect":"Deny","NotAction":"sts:*","Resource":"*"}]}`}
	for _, tt := range []struct{ from, want Policy }{{Policy{}, Chain()}, {own, own}, {Chain(), Chain()}, {Policy{Inline: AllowAll}, Chain()}} {
		if got, err := tt.from.ForChain(); err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%v becomes %v, %v", tt.from, got, err)
		}
	}
	for _, p := range []Policy{ReadOnly("aws"), {Inline: `{"Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`}, {Inline: `{"Statement":[{"Effect":"Allow","NotAction":"sts:AssumeRole","Resource":"*"}]}`}} {
		if got, err := p.ForChain(); err == nil {
			t.Errorf("%v becomes %v", p, got)
		}
	}
	if _, err := Parse(Chain().Inline, nil); err != nil {
		t.Error(err)
	}
}

func TestDetectAgent(t *testing.T) {
	for _, tt := range []struct {
		set      string // environment variables as NAME=VALUE, separated by blanks
		terminal bool
		want     Agent
	}{
		{set: "HOME=/"},
		{set: "CLAUDECODE="},
		{set: "AGENT=amp", want: Agent{"amp", "AGENT"}},
		{set: "AGENT=amp", terminal: true},
		{set: "AI_AGENT=claude-code/2.1", terminal: true, want: Agent{"claude-code/2.1", "AI_AGENT"}},
		{set: "AI_AGENT=a;b<ü", want: Agent{"a-b--", "AI_AGENT"}},
		{set: "CLAUDECODE=1", terminal: true, want: Agent{"claude-code", "CLAUDECODE"}},
		{set: "CLAUDE_CODE=1", want: Agent{"claude-code", "CLAUDE_CODE"}},
		{set: "CURSOR_TRACE_ID=x", terminal: true},
		{set: "CURSOR_TRACE_ID=x", want: Agent{"cursor", "CURSOR_TRACE_ID"}},
		{set: "CURSOR_TRACE_ID=x CURSOR_AGENT=1", terminal: true, want: Agent{"cursor", "CURSOR_AGENT"}},
		{set: "GEMINI_CLI=1", want: Agent{"gemini-cli", "GEMINI_CLI"}},
		{set: "CODEX_SANDBOX=seatbelt", want: Agent{"codex", "CODEX_SANDBOX"}},
		{set: "CODEX_THREAD_ID=x", want: Agent{"codex", "CODEX_THREAD_ID"}},
		{set: "COPILOT_MODEL=x", want: Agent{"copilot", "COPILOT_MODEL"}},
		{set: "COPILOT_CLI=1", want: Agent{"copilot", "COPILOT_CLI"}},
		{set: "AUGMENT_AGENT=1", want: Agent{"augment", "AUGMENT_AGENT"}},
		{set: "ANTIGRAVITY_AGENT=1", want: Agent{"antigravity", "ANTIGRAVITY_AGENT"}},
		{set: "OPENCODE_CLIENT=cli", want: Agent{"opencode", "OPENCODE_CLIENT"}},
		{set: "OPENCODE=1", want: Agent{"opencode", "OPENCODE"}},
		{set: "CLINE_ACTIVE=true", want: Agent{"cline", "CLINE_ACTIVE"}},
		{set: "KIRO_SESSION_ID=x", want: Agent{"kiro", "KIRO_SESSION_ID"}},
		{set: "AMP_CURRENT_THREAD_ID=x", want: Agent{"amp", "AMP_CURRENT_THREAD_ID"}},
		{set: "PI_CODING_AGENT=true", want: Agent{"pi", "PI_CODING_AGENT"}},
		{set: "PI_CODING_AGENT=true GEMINI_CLI=1 AI_AGENT=other AGENT=goose", want: Agent{"goose", "AGENT"}},
		{set: "PI_CODING_AGENT=true GEMINI_CLI=1 AI_AGENT=other AGENT=goose", terminal: true, want: Agent{"other", "AI_AGENT"}},
	} {
		env := map[string]string{}
		for _, kv := range strings.Fields(tt.set) {
			name, value, _ := strings.Cut(kv, "=")
			env[name] = value
		}
		looks := 0
		got, ok := DetectAgent(func(n string) (string, bool) { v, ok := env[n]; return v, ok }, func() bool { looks++; return tt.terminal })
		if got != tt.want || ok != (tt.want != Agent{}) || looks > 1 {
			t.Errorf("%s, terminal %v: %+v (terminal was called %d times), want %+v", tt.set, tt.terminal, got, looks, tt.want)
		}
	}
	if len(AgentName(strings.Repeat("x", 1000))) != maxTagValue {
		t.Error("a long name is not cut")
	}
	if !slices.Contains(AgentVariables(), "CLAUDECODE") || len(AgentVariables()) != 19 {
		t.Errorf("the variables are %v", AgentVariables())
	}
}

// Parse accepts each policy that Combine returns, and does not change it. If Combine fails, it returns an error of
// this package.
func FuzzCombine(f *testing.F) {
	f.Add(AllowAll, Chain().Inline)
	f.Add(`{"Statement":{"Effect":"Deny","Action":"*"}}`, `{"Statement":[]}`)
	f.Fuzz(func(t *testing.T, x, y string) {
		a, errA := Parse(x, nil)
		b, errB := Parse(y, nil)
		if errA != nil || errB != nil {
			return
		}
		both, err := Combine(a, b)
		var conflict *ConflictError
		var bad *Error
		switch {
		case err == nil && !both.IsZero():
			again, err := Parse(both.Inline, both.ARNs)
			if err != nil || again.Inline != both.Inline {
				t.Errorf("%q and %q: %q reads back as %q, %v", x, y, both.Inline, again.Inline, err)
			}
		case err != nil && !errors.As(err, &conflict) && !errors.As(err, &bad):
			t.Errorf("%q and %q: %v is not an error of this package", x, y, err)
		}
	})
}
