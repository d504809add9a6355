package profile

import (
	"slices"
	"strings"
)

// An AgentRule is the agent_access setting of one profile, from its own section or from a section
// that it includes.
type AgentRule struct {
	Profile string
	Access  Value
	Err     error // set if a part of the profile cannot be read; Access may then be wrong
}

// AgentRules are the agent_access settings of all profiles in the config files.
type AgentRules struct {
	Default Value // setting in [default]; it applies to profiles that do not set agent_access

	of map[Principal][]AgentRule
}

// Of returns the rules of the profiles whose credentials belong to the principal, in the order of
// the files. It does not return rules for values that profiles inherit from [default]. The zero
// Principal has no rules.
func (r AgentRules) Of(p Principal) []AgentRule { return r.of[p] }

// ReadAgentRules reads all profiles of the config file and of the shared credentials file. Each
// file may be nil. Reading large files takes time, so call ReadAgentRules only if a coding agent is running.
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
		for _, name := range slices.Concat(f.Profiles(), f.names(brokenSection)) {
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

// A ruleReader reads only the settings that agent rules depend on.
type ruleReader struct {
	files []*File // in order of priority
	read  map[string]*ruleView
}

// A ruleView holds the settings of a profile and of the profiles that it includes, but not those of
// [default].
type ruleView struct {
	values map[string]Value
	known  bool  // whether the profile has a section
	err    error // error of the first line or included profile that cannot be read; values may then be incomplete
}

// ruleSettings are the settings in a ruleView. In their values, " #" and " ;" always begin a comment.
var ruleSettings = []string{
	"agent_access", "role_arn", sourceProfile, includeProfile, "sso_account_id", "sso_role_name", "login_session",
}

// view returns the settings of a profile. It reads each profile only once, even if many profiles
// include it.
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
		for _, s := range f.named(brokenSection, name) {
			v.add(f, s) // a broken header must not hide a rule
		}
		if err := f.brokenHeader(profileSection, name); err != nil {
			v.err = err
		}
	}
	if from := v.values[includeProfile]; from.Text != "" {
		v.include(r.view(from.Text), from)
	}
	return v
}

// add adds the settings of a section to the view. Settings that are already in the view have priority.
func (v *ruleView) add(f *File, s *section) {
	v.known = true
	keys, bad := f.keys(s)
	if len(bad) > 0 && v.err == nil {
		v.err = bad[0]
	}
	for _, k := range slices.Backward(keys) { // if a section repeats a key, the last value has priority
		_, given := v.values[k.name]
		if given || !slices.Contains(ruleSettings, k.name) {
			continue
		}
		text, _ := cutComments(k.value)
		v.values[k.name] = Value{Text: text, Origin: f.origin(s, k.line, k.name)}
	}
}

// include adds the settings of an included profile. Settings that are already in the view have
// priority, even if they are empty.
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

// principal returns the principal that the profile's own credentials belong to. It returns "" if the config files
// do not show the principal, or if the profile only passes on the credentials of its source_profile.
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
