package profile

import (
	"slices"
	"strings"
)

// An AgentRule is what one profile sets about coding agents, in its own section or in one that it
// includes.
type AgentRule struct {
	Profile string
	Access  Value
	Err     error // the profile cannot be read, so what it sets is not known
}

// AgentRules are what all profiles of a config set about coding agents.
type AgentRules struct {
	Default Value // what [default] sets for the profiles that set nothing

	of map[Principal][]AgentRule
}

// Of returns the rules of the profiles that end with the principal, in the order of the files.
// What [default] sets for others is not among them. The zero Principal has none.
func (r AgentRules) Of(p Principal) []AgentRule { return r.of[p] }

// ReadAgentRules reads all profiles of the config file and of the shared credentials file, each of
// which may be nil. It takes time in proportion to the files, so it is only for a coding agent's run.
func ReadAgentRules(config, credentials *File) AgentRules {
	var rules AgentRules
	files := slices.DeleteFunc([]*File{config, credentials}, func(f *File) bool { return f == nil })
	if !slices.ContainsFunc(files, func(f *File) bool {
		return strings.Contains(strings.ToLower(f.text), "agent_access")
	}) {
		return rules
	}
	r := ruleReader{files: files, read: map[string]*ruleView{}}
	rules.Default = r.view(defaultName).values["agent_access"]
	rules.of = map[Principal][]AgentRule{}
	seen := map[string]bool{}
	for _, f := range files {
		for _, name := range f.Profiles() {
			if seen[name] {
				continue
			}
			seen[name] = true
			v := r.view(name)
			access, p := v.values["agent_access"], v.principal(name)
			if p != "" && (access.Text != "" || v.err != nil) {
				rules.of[p] = append(rules.of[p], AgentRule{Profile: name, Access: access, Err: v.err})
			}
		}
	}
	return rules
}

// A ruleReader reads of each profile no more than the rules are made of.
type ruleReader struct {
	files []*File // the one that counts first is first
	read  map[string]*ruleView
}

// A ruleView is what a profile and the profiles that it includes set, without [default].
type ruleView struct {
	values map[string]Value
	known  bool  // there is a section
	err    error // a line or an include that cannot be read; the values are then the readable ones
}

// ruleSettings are what a ruleView has. None of them can hold a comment sign.
var ruleSettings = []string{
	"agent_access", "role_arn", sourceProfile, includeProfile, "sso_account_id", "sso_role_name", "login_session",
}

// view reads each profile once, however many include it.
func (r *ruleReader) view(name string) *ruleView {
	if v, ok := r.read[name]; ok {
		return v
	}
	v := &ruleView{values: map[string]Value{}}
	r.read[name] = v
	for _, f := range r.files {
		for _, s := range slices.Backward(f.named(profileSection, name)) {
			v.add(f, s)
		}
	}
	if from := v.values[includeProfile]; from.Text != "" {
		v.include(r.view(from.Text), from)
	}
	return v
}

// add takes over what a section sets and a section that counts more does not.
func (v *ruleView) add(f *File, s *section) {
	v.known = true
	keys, bad := f.keys(s)
	if len(bad) > 0 && v.err == nil {
		v.err = bad[0]
	}
	for _, k := range slices.Backward(keys) { // the last of two keys counts
		_, given := v.values[k.name]
		if given || !slices.Contains(ruleSettings, k.name) {
			continue
		}
		text, _ := cutComments(k.value)
		v.values[k.name] = Value{Text: text, Origin: f.origin(s, k.line, k.name)}
	}
}

// include takes over what an included profile sets and this one does not. An empty value counts
// as set.
func (v *ruleView) include(included *ruleView, from Value) {
	for name, value := range included.values {
		if _, given := v.values[name]; !given {
			v.values[name] = value
		}
	}
	switch {
	case v.err != nil:
	case !included.known:
		v.err = &MissingError{Origin: from.Origin, Setting: includeProfile, Name: shorten(from.Text)}
	default:
		v.err = included.err
	}
}

// principal is who the profile's own credentials belong to, as far as the config tells. A profile
// that only forwards those of its source has none.
func (v *ruleView) principal(name string) Principal {
	text := func(setting string) string { return v.values[setting].Text }
	source := text(sourceProfile)
	switch {
	case text("role_arn") != "":
		return RolePrincipal(text("role_arn"))
	case source != "" && source != name:
		return ""
	case text("sso_account_id") != "" && text("sso_role_name") != "":
		return SSOPrincipal(text("sso_account_id"), text("sso_role_name"))
	case text("login_session") != "":
		return SignInPrincipal(text("login_session"))
	}
	return ""
}
