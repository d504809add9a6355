// Package rolesync writes a profile into the config file for each role that Identity Center assigns
// to the user.
package rolesync

import (
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/ascii"
	"aws-vault/vault/profile"
)

// A RoleSync makes the config file name every role that a sign-in gives, a profile each.
// Profiles that it wrote bear a mark; all others are the user's and stay as they are.
type RoleSync struct {
	Label    string            // of the sign-in
	Base     []profile.Setting // what each profile says of the sign-in
	Template string            // of the names; see [CheckTemplate]
	Prune    bool              // profiles that were written for roles which are gone go too
}

// SyncedRole is a role to have a profile for.
type SyncedRole struct{ Account, AccountName, Role string }

// Synced is what a sync comes to.
type Synced struct {
	Text    []byte
	Added   []string
	Changed []string
	Removed []string
	Stale   []string // would be removed, were Prune set
	Kept    []string // stale, but with settings of the user's, for which they stay
	Taken   []string // of the user's own profiles that have the name, but not the role, of one to write
}

// placeholders are what a template may hold.
var placeholders = []string{"{account_name}", "{account_id}", "{role}", "{session}"}

// TemplateError is returned for a template of names that holds something else in braces,
// or that tells no two roles apart.
type TemplateError struct{ Template, Found, Want string }

func (e *TemplateError) Error() string {
	return fmt.Sprintf("template %q has %s, want %s", e.Template, e.Found, e.Want)
}

// CheckTemplate returns a [*TemplateError] for a template that cannot name profiles.
func CheckTemplate(template string) error {
	rest := template
	for _, p := range placeholders {
		rest = strings.ReplaceAll(rest, p, "")
	}
	if i := strings.IndexAny(rest, "{}"); i >= 0 {
		return &TemplateError{template, fmt.Sprintf("%q", rest[i:]), strings.Join(placeholders, ", ")}
	}
	if !strings.Contains(template, "{role}") {
		return &TemplateError{template, "no {role}", "the roles of an account to have different names"}
	}
	return nil
}

// mark is the comment that a profile of the sync begins with.
func (s RoleSync) mark() string { return "# written by aws-vault sso sync for " + wordly(s.Label) }

// name fills in the template, in letters that need no quotes anywhere.
func (s RoleSync) name(r SyncedRole) string {
	account := r.AccountName
	if account == "" {
		account = r.Account
	}
	return wordly(strings.NewReplacer("{account_name}", account, "{account_id}", r.Account, "{role}", r.Role, "{session}", s.Label).Replace(s.Template))
}

// wordly puts a dash for whatever a shell or the config file might read as something else.
func wordly(text string) string {
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

// names gives each role a name of its own: accounts of one name are told apart by number.
func (s RoleSync) names(roles []SyncedRole) map[string]SyncedRole {
	count := map[string]int{}
	for _, r := range roles {
		count[s.name(r)]++
	}
	named := map[string]SyncedRole{}
	for _, r := range roles {
		name := s.name(r)
		if count[name] > 1 || name == "" {
			name = strings.TrimLeft(name+"-"+r.Account, "-")
		}
		if _, taken := named[name]; taken {
			name += "-" + wordly(r.Role)
		}
		named[name] = r
	}
	return named
}

// Apply returns the file as it should be, and what is different. It changes no line of a
// profile that bears no mark, and of those that do only the settings that name the role.
func (s RoleSync) Apply(f *profile.File, roles []SyncedRole) (Synced, error) {
	var out Synced
	marked := map[string]bool{}
	for _, name := range f.Marked(s.mark()) {
		marked[name] = true
	}
	wanted := s.names(roles)
	var order []string
	for name := range wanted {
		order = append(order, name)
	}
	slices.Sort(order)
	e := editor{file: f}
	for _, name := range order {
		settings := s.settings(wanted[name])
		switch {
		case marked[name]:
			if e.differs(name, settings) {
				out.Changed = append(out.Changed, name)
				e.do(func(f *profile.File) ([]byte, error) { return profile.WithProfile(f, name, settings) })
			}
		case !f.Has(name):
			out.Added = append(out.Added, name)
			e.do(func(f *profile.File) ([]byte, error) { return profile.WithMarked(f, name, s.mark(), settings) })
		case e.differs(name, settings):
			out.Taken = append(out.Taken, name)
		}
	}
	for _, name := range f.Marked(s.mark()) {
		if _, ok := wanted[name]; !ok {
			s.drop(&e, name, &out)
		}
	}
	out.Text = e.text
	return out, e.err
}

// drop takes out a profile whose role is gone.
func (s RoleSync) drop(e *editor, name string, out *Synced) {
	if e.err != nil {
		return
	}
	text, bare := profile.WithoutMarked(e.file, name, s.mark(), s.settingNames())
	switch {
	case !bare:
		out.Kept = append(out.Kept, name)
	case !s.Prune:
		out.Stale = append(out.Stale, name)
	default:
		out.Removed = append(out.Removed, name)
		e.do(func(*profile.File) ([]byte, error) { return text, nil })
	}
}

func (s RoleSync) settings(r SyncedRole) []profile.Setting {
	return append(slices.Clone(s.Base), profile.Setting{Name: "sso_account_id", Value: r.Account}, profile.Setting{Name: "sso_role_name", Value: r.Role})
}

func (s RoleSync) settingNames() []string {
	var names []string
	for _, set := range s.settings(SyncedRole{}) {
		names = append(names, set.Name)
	}
	return names
}

// An editor makes one change after another, until one fails.
type editor struct {
	file *profile.File
	text []byte // nil while nothing has changed
	err  error
}

func (e *editor) do(change func(*profile.File) ([]byte, error)) {
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

// differs reports whether a profile says something else than these settings.
func (e *editor) differs(name string, settings []profile.Setting) bool {
	if e.err != nil {
		return false
	}
	p, err := e.file.Resolve(name, profile.Inputs{})
	return err != nil || slices.ContainsFunc(settings, func(s profile.Setting) bool { return p.Text(s.Name) != s.Value })
}
