// Package rolesync writes a profile to the config file for each role that Identity Center assigns
// to the user.
package rolesync

import (
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/ascii"
	"aws-vault/vault/profile"
)

// A Sync writes one profile for each assigned role to the config file. It marks its profiles with a
// comment. All other profiles belong to the user and stay the same.
type Sync struct {
	Label    string            // the name of the sign-in
	Base     []profile.Setting // the settings of the sign-in, which are the same in each profile
	Template string            // a template for the names of profiles; see [CheckTemplate]
	Prune    bool              // whether to remove the profiles of roles that are no longer assigned
}

// Role is a role that is assigned to the user.
type Role struct{ Account, AccountName, Role string }

// key identifies the role. Unlike AccountName, it never changes.
func (r Role) key() string { return r.Account + "/" + r.Role }

// Result describes what a sync changes.
type Result struct {
	Text          []byte
	Added         []string
	Changed       []string
	Removed       []string
	Renamed       []Rename // roles whose profile now has another name; Prune removes the profile with the old name
	Stale         []string // profiles of unassigned roles that Prune would remove
	StaleEdited   []string // profiles of unassigned roles that stay because the user added or changed settings
	NameConflicts []string // the user's own profiles that have the name of a wanted profile, but other settings
}

// A Rename describes a role that has a profile with an old name and one with a new name. The names differ if the
// template or the account's name has changed, or if another role now has the same name.
type Rename struct {
	From, To string
	Edited   bool // whether the profile with the old name stays because the user added or changed settings
}

// placeholders lists all placeholders that a template may contain.
var placeholders = []string{"{account_name}", "{account_id}", "{role}", "{session}"}

// TemplateError reports a template that has an unknown placeholder, or that lacks the placeholder {role}.
type TemplateError struct{ Template, Found, Want string }

func (e *TemplateError) Error() string {
	return fmt.Sprintf("template %q contains %s, expected %s", e.Template, e.Found, e.Want)
}

// CheckTemplate returns a [*TemplateError] if the template cannot be used for the names of
// profiles.
func CheckTemplate(template string) error {
	rest := template
	for _, p := range placeholders {
		rest = strings.ReplaceAll(rest, p, "")
	}
	if i := strings.IndexAny(rest, "{}"); i >= 0 {
		return &TemplateError{template, fmt.Sprintf("%q", rest[i:]), strings.Join(placeholders, ", ")}
	}
	if !strings.Contains(template, "{role}") {
		return &TemplateError{template, "no {role}", "{role}, because each role of an account needs its own name"}
	}
	return nil
}

// mark returns the comment at the start of each profile that the sync wrote.
func (s Sync) mark() string { return "# written by aws-vault sso sync for " + sanitize(s.Label) }

// name returns the profile name for a role. The name needs no quotes in a shell or in the config file.
func (s Sync) name(r Role) string {
	account := r.AccountName
	if account == "" {
		account = r.Account
	}
	return sanitize(strings.NewReplacer("{account_name}", account, "{account_id}", r.Account, "{role}", r.Role, "{session}", s.Label).Replace(s.Template))
}

// sanitize replaces characters that may have a meaning in a shell or in the config file. It keeps ASCII letters,
// digits, commas and the characters _.@+= of a text. It replaces each group of other characters with one dash. The
// result neither starts nor ends with a dash or an equals sign.
func sanitize(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case ascii.IsAlphanumeric(r) || strings.ContainsRune("_.@+=,", r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-=")
}

// names assigns a unique profile name to each role. The order of the roles does not matter. If several roles would get
// the same name, names adds the account ID to each of these names. If a name is still not unique, names adds the
// role's name, and then a number.
func (s Sync) names(roles []Role) map[string]Role {
	roles = slices.Clone(roles)
	slices.SortFunc(roles, func(a, b Role) int { return strings.Compare(a.key(), b.key()) })
	roles = slices.CompactFunc(roles, func(a, b Role) bool { return a.key() == b.key() })
	count := map[string]int{}
	for _, r := range roles {
		count[s.name(r)]++
	}
	named := map[string]Role{}
	var ambiguous []Role
	for _, r := range roles {
		if name := s.name(r); count[name] > 1 || name == "" {
			ambiguous = append(ambiguous, r)
		} else {
			named[name] = r
		}
	}
	for _, r := range ambiguous {
		name := strings.TrimLeft(s.name(r)+"-"+r.Account, "-")
		if _, taken := named[name]; taken {
			name = strings.TrimRight(name+"-"+sanitize(r.Role), "-")
		}
		unique := name
		for n := 2; ; n++ {
			if _, taken := named[unique]; !taken {
				break
			}
			unique = fmt.Sprintf("%s-%d", name, n)
		}
		named[unique] = r
	}
	return named
}

// Apply returns the new text of the file and a description of the changes. It adds profiles, and changes or removes
// only marked profiles. In a marked profile, it changes only the settings in Base, the account and the role.
func (s Sync) Apply(f *profile.File, roles []Role) (Result, error) {
	var out Result
	marked := map[string]bool{}
	for _, name := range f.Marked(s.mark()) {
		marked[name] = true
	}
	wanted := s.names(roles)
	var order []string
	current := map[string]string{} // the name of each role's profile
	for name, role := range wanted {
		order = append(order, name)
		current[role.key()] = name
	}
	slices.Sort(order)
	e := editor{file: f}
	for _, name := range order {
		settings := s.settings(wanted[name])
		switch {
		case marked[name]:
			if e.differs(name, settings) {
				out.Changed = append(out.Changed, name)
				e.apply(func(f *profile.File) ([]byte, error) { return profile.WithProfile(f, name, settings) })
			}
		case !f.Has(name):
			out.Added = append(out.Added, name)
			e.apply(func(f *profile.File) ([]byte, error) { return profile.WithMarked(f, name, s.mark(), settings) })
		case e.differs(name, settings):
			out.NameConflicts = append(out.NameConflicts, name)
		}
	}
	for _, name := range f.Marked(s.mark()) {
		if _, ok := wanted[name]; ok {
			continue
		}
		to, assigned := current[e.role(name).key()]
		switch {
		case !assigned:
			s.remove(&e, name, &out)
		case !slices.Contains(out.NameConflicts, to): // otherwise this is the only profile of the role
			s.rename(&e, name, to, &out)
		}
	}
	out.Text = e.text
	return out, e.err
}

// remove removes the profile of a role that is no longer assigned, if Prune is set and the user added or changed
// no settings. In all cases, it adds the profile's name to a list in the argument out.
func (s Sync) remove(e *editor, name string, out *Result) {
	if e.err != nil {
		return
	}
	text, bare := profile.WithoutMarked(e.file, name, s.mark(), s.settings(Role{}))
	switch {
	case !bare:
		out.StaleEdited = append(out.StaleEdited, name)
	case !s.Prune:
		out.Stale = append(out.Stale, name)
	default:
		out.Removed = append(out.Removed, name)
		e.apply(func(*profile.File) ([]byte, error) { return text, nil })
	}
}

// rename adds a rename to the result. If Prune is set and the user added or changed no settings, it removes the profile
// with the old name.
func (s Sync) rename(e *editor, from, to string, out *Result) {
	if e.err != nil {
		return
	}
	text, bare := profile.WithoutMarked(e.file, from, s.mark(), s.settings(Role{}))
	out.Renamed = append(out.Renamed, Rename{from, to, !bare})
	if bare && s.Prune {
		out.Removed = append(out.Removed, from)
		e.apply(func(*profile.File) ([]byte, error) { return text, nil })
	}
}

// settings returns the settings of the profile for a role. For the zero Role, the account and the role are empty.
func (s Sync) settings(r Role) []profile.Setting {
	return append(slices.Clone(s.Base), profile.Setting{Name: "sso_account_id", Value: r.Account}, profile.Setting{Name: "sso_role_name", Value: r.Role})
}

// An editor applies changes one after the other until one fails.
type editor struct {
	file *profile.File
	text []byte // nil if nothing has changed
	err  error
}

func (e *editor) apply(change func(*profile.File) ([]byte, error)) {
	if e.err != nil {
		return
	}
	text, err := change(e.file)
	if err != nil {
		e.err = err
		return
	}
	e.text = text
	e.file, e.err = profile.Parse(e.file.Path(), text)
}

// role returns the account and the role of a profile. They are empty if the profile cannot be resolved.
func (e *editor) role(name string) Role {
	if e.err != nil {
		return Role{}
	}
	p, err := e.file.Resolve(name, profile.Inputs{})
	if err != nil {
		return Role{}
	}
	return Role{Account: p.Text("sso_account_id"), Role: p.Text("sso_role_name")}
}

// differs reports whether any of the settings has a different value in the profile.
func (e *editor) differs(name string, settings []profile.Setting) bool {
	if e.err != nil {
		return false
	}
	p, err := e.file.Resolve(name, profile.Inputs{})
	return err != nil || slices.ContainsFunc(settings, func(s profile.Setting) bool { return p.Text(s.Name) != s.Value })
}
