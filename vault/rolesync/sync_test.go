package rolesync_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"aws-vault/vault/profile"
	"aws-vault/vault/rolesync"
)

func roleSync() rolesync.Sync {
	return rolesync.Sync{Label: "corp", Template: "{account_name}-{role}", Base: []profile.Setting{{Name: "sso_session", Value: "corp"}}}
}

const session = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"

func apply(t *testing.T, s rolesync.Sync, text string, roles ...rolesync.Role) (rolesync.Result, string) {
	t.Helper()
	f, err := profile.Parse("config", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Apply(f, roles)
	if err != nil {
		t.Fatal(err)
	}
	if out.Text != nil {
		text = string(out.Text)
	}
	return out, text
}

func TestSyncNames(t *testing.T) {
	one, two := "123456789012", "210987654321"
	for _, c := range []struct {
		template string
		roles    []rolesync.Role
		want     []string
	}{
		{"{account_name}-{role}", []rolesync.Role{{Account: one, AccountName: "Acme Prod", Role: "Dev"}}, []string{"Acme-Prod-Dev"}},
		{"{account_id}.{role}", []rolesync.Role{{Account: one, AccountName: "Acme", Role: "Dev"}}, []string{one + ".Dev"}},
		{"{session}/{role}", []rolesync.Role{{Account: one, AccountName: "Acme", Role: "Dev"}, {Account: two, AccountName: "Acme", Role: "Dev"}}, []string{"corp-Dev-" + one, "corp-Dev-" + two}},
		{"{account_name}-{role}", []rolesync.Role{{Account: one, AccountName: "Acme", Role: "Dev"}, {Account: two, AccountName: "Acme", Role: "Dev"}}, []string{"Acme-Dev-" + one, "Acme-Dev-" + two}},
		{"{account_name}-{role}", []rolesync.Role{{Account: one, AccountName: "Söhne & \x1b[2J]Co\n", Role: "Dev"}}, []string{"S-hne-2J-Co-Dev"}},
		{"{account_name}-{role}", []rolesync.Role{{Account: one, AccountName: "", Role: "Dev"}}, []string{one + "-Dev"}},
		{"{account_name}-{role}", []rolesync.Role{ // three names that differ only in characters that a name cannot have
			{Account: one, AccountName: "Acme", Role: "a---b"}, {Account: one, AccountName: "Acme", Role: "a-b"}, {Account: one, AccountName: "Acme", Role: "a--b"},
		}, []string{"Acme-a-b-" + one, "Acme-a-b-" + one + "-a-b", "Acme-a-b-" + one + "-a-b-2"}},
		{"{role}", []rolesync.Role{ // one name with the account ID is also the name of another role
			{Account: one, Role: "Dev"}, {Account: two, Role: "Dev"}, {Account: two, Role: "Dev-" + one},
		}, []string{"Dev-" + one, "Dev-" + one + "-Dev", "Dev-" + two}},
		{"{account_name}", []rolesync.Role{{Account: one, AccountName: "世界", Role: "Dev"}, {Account: one, AccountName: "世界", Role: "Ops"}}, []string{one, one + "-Ops"}},
	} {
		s := roleSync()
		s.Template = c.template
		out, _ := apply(t, s, session, c.roles...)
		if !slices.Equal(out.Added, c.want) {
			t.Errorf("%s: %q, want %q", c.template, out.Added, c.want)
		}
	}
}

// A second sync changes nothing. A role that is assigned again gets the same profile as before.
func TestSecondSyncChangesNothing(t *testing.T) {
	dev, ops := rolesync.Role{Account: "123456789012", AccountName: "Acme", Role: "Dev"}, rolesync.Role{Account: "123456789012", AccountName: "Acme", Role: "Ops"}
	s := roleSync()
	_, both := apply(t, s, session, dev, ops)
	if out, _ := apply(t, s, both, ops, dev); out.Text != nil || len(out.Added)+len(out.Changed)+len(out.Stale) != 0 {
		t.Errorf("a second sync did %+v", out)
	}
	if out, _ := apply(t, s, both, dev); out.Text != nil || !slices.Equal(out.Stale, []string{"Acme-Ops"}) {
		t.Errorf("without --prune: %+v", out)
	}
	s.Prune = true
	out, one := apply(t, s, both, dev)
	if !slices.Equal(out.Removed, []string{"Acme-Ops"}) || strings.Contains(one, "Ops") {
		t.Errorf("with --prune: %+v\n%s", out, one)
	}
	if _, again := apply(t, s, one, dev, ops); again != both {
		t.Errorf("got\n%s\nwant\n%s", again, both)
	}
	if _, none := apply(t, s, both); none != session {
		t.Errorf("got %q, want %q", none, session)
	}
	s.Label = "other"
	if out, _ := apply(t, s, both); out.Text != nil || out.Stale != nil {
		t.Errorf("the sync of another session changed this session's profile: %+v", out)
	}
}

// Roles are compared by account and role. If the template or the account's name changes, the role has a new name,
// and it is still assigned.
func TestSyncRenames(t *testing.T) {
	dev := rolesync.Role{Account: "123456789012", AccountName: "Acme", Role: "Dev"}
	s := roleSync()
	_, old := apply(t, s, session, dev)
	rename := []rolesync.Rename{{From: "Acme-Dev", To: "123456789012.Dev"}}
	s.Template = "{account_id}.{role}"
	out, both := apply(t, s, old, dev)
	if !slices.Equal(out.Renamed, rename) || !slices.Equal(out.Added, []string{"123456789012.Dev"}) || out.Stale != nil || !strings.Contains(both, "Acme-Dev") {
		t.Errorf("got %+v", out)
	}
	s.Prune = true
	for _, text := range []string{old, both} {
		out, pruned := apply(t, s, text, dev)
		if !slices.Equal(out.Renamed, rename) || !slices.Equal(out.Removed, []string{"Acme-Dev"}) || strings.Contains(pruned, "Acme-Dev") {
			t.Errorf("with --prune: %+v", out)
		}
	}
	edited := strings.Replace(old, "sso_role_name", "region = eu-west-3\nsso_role_name", 1)
	rename[0].Edited = true
	if out, text := apply(t, s, edited, dev); !slices.Equal(out.Renamed, rename) || out.Removed != nil || !strings.HasPrefix(text, edited) {
		t.Errorf("edited: %+v", out)
	}
	// The user's own profile has the new name, so the profile with the old name is the only one for the role.
	taken := old + "[profile 123456789012.Dev]\nregion = eu-west-1\n"
	if out, text := apply(t, s, taken, dev); out.Renamed != nil || out.Removed != nil || text != taken {
		t.Errorf("the new name is taken: %+v", out)
	}
	dev.AccountName = "Acme Corp"
	s.Template = "{account_name}-{role}"
	if out, _ := apply(t, s, old, dev); !slices.Equal(out.Renamed, []rolesync.Rename{{From: "Acme-Dev", To: "Acme-Corp-Dev"}}) {
		t.Errorf("renamed account: %+v", out)
	}
}

// TestSyncKeepsUserLines checks that a sync changes no line that the user wrote. This holds for the user's own
// profiles and for marked profiles.
func TestSyncKeepsUserLines(t *testing.T) {
	dev := rolesync.Role{Account: "123456789012", AccountName: "Acme", Role: "Dev"}
	_, text := apply(t, roleSync(), session, dev)
	text = strings.Replace(text, "sso_role_name = Dev", "sso_role_name = Dav\nregion = eu-west-3 # mine", 1)
	out, again := apply(t, roleSync(), text, dev)
	if !slices.Equal(out.Changed, []string{"Acme-Dev"}) || again != strings.Replace(text, "Dav", "Dev", 1) {
		t.Errorf("got %+v\n%s", out, again)
	}
	s := roleSync()
	s.Prune = true
	if out, same := apply(t, s, again); !slices.Equal(out.StaleEdited, []string{"Acme-Dev"}) || same != again {
		t.Errorf("got %+v\n%s", out, same)
	}
	mine := session + "[profile Acme-Dev]\nregion = eu-west-1\n"
	if out, same := apply(t, s, mine, dev); !slices.Equal(out.NameConflicts, []string{"Acme-Dev"}) || same != mine {
		t.Errorf("got %+v\n%s", out, same)
	}
	mine = session + "[profile Acme-Dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
	if out, same := apply(t, s, mine, dev); out.NameConflicts != nil || same != mine {
		t.Errorf("got %+v\n%s", out, same)
	}
}

func TestSyncRefusesARoleThatCannotBeWritten(t *testing.T) {
	f, err := profile.Parse("config", []byte(session))
	if err != nil {
		t.Fatal(err)
	}
	var e *profile.ValueError
	if _, err := roleSync().Apply(f, []rolesync.Role{{Account: "12", AccountName: "Acme", Role: "Dev"}}); !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

func TestTemplates(t *testing.T) {
	for template, ok := range map[string]bool{
		"{account_name}-{role}": true, "{role}": true, "x-{session}{account_id}{role}": true,
		"": false, "{account_name}": false, "{role}-{user}": false, "{role}}": false, "{role}{": false,
	} {
		var e *rolesync.TemplateError
		if err := rolesync.CheckTemplate(template); (err == nil) != ok || err != nil && !errors.As(err, &e) {
			t.Errorf("%q: %v", template, err)
		}
	}
}
