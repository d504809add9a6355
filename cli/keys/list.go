package keys

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

func ListCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var profiles, sessions, credentials, asJSON bool
	c := k.Command("list", "List profiles with their stored keys and cached sessions.").Alias("ls").HelpLong(app.Examples(
		"List profiles, keys and sessions.", "aws-vault list",
		"Print the names of all profiles, for a script.", "aws-vault list --profiles"))
	c.Flag("profiles", "Print only the names of profiles, one per line.").BoolVar(&profiles)
	c.Flag("sessions", "Print only the sessions, one per line.").BoolVar(&sessions)
	c.Flag("credentials", "Print only the names of stored keys, one per line.").BoolVar(&credentials)
	c.Flag("json", "Print everything as JSON.").BoolVar(&asJSON)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error {
		if profiles && !credentials && !asJSON {
			config, _, err := a.ReadConfig(nil)
			if err != nil {
				return err
			}
			return ui.PrintLines(a.Env.Stdout, config.Profiles())
		}
		s, err := a.OpenWithoutUnlocking(ctx, "list")
		if err != nil {
			return err
		}
		rows, err := readRows(ctx, s)
		if errors.Is(err, keystore.ErrLocked) && s.Keystore.Name == keystore.SealedBackend && !credentials && !sessions {
			a.Note("the sealed keystore is locked, so keys and sessions are not listed; to unlock it: aws-vault unlock")
			rows, err = lockedRows(s.Config.Profiles()), nil
		}
		if err != nil {
			return err
		}
		switch {
		case asJSON:
			return ui.PrintEscapedJSON(a.Env.Stdout, rows)
		case credentials:
			return ui.PrintLines(a.Env.Stdout, rows.keys())
		case sessions:
			return ui.PrintLines(a.Env.Stdout, rows.labels(a.Env.Now()))
		}
		return listTable(a, rows)
	}}}
}

// A row describes one line of the list: a profile, or a key or a sign-in that belongs to no profile.
type row struct {
	Profile     string          `json:"profile,omitempty"`
	Credentials string          `json:"credentials,omitempty"`
	Damaged     string          `json:"damaged,omitempty"` // why the stored key is damaged; empty if it is not damaged
	Sessions    []listedSession `json:"sessions,omitempty"`
	SignedIn    []string        `json:"signed_in,omitempty"`
	Unfinished  bool            `json:"rotation_unfinished,omitempty"`
	Locked      bool            `json:"locked,omitempty"` // whether the keystore is locked; then only Profile is known
	entries     []store.Entry
}

type listedSession struct {
	Kind    string    `json:"kind"`
	Profile string    `json:"profile"`
	Expires time.Time `json:"expires"`
}

type rows []row

// readRows returns the rows of the list. It lists the items of the keystore once, and does not open the items.
func readRows(ctx context.Context, s *app.Session) (rows, error) {
	keys, err := s.Keys.Names(ctx)
	if err != nil {
		return nil, err
	}
	cached, warnings, err := s.Sessions.ListCached(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		s.Warn(w)
	}
	entries, byProfile := cached.Sessions, map[string][]store.Entry{}
	for _, e := range entries {
		byProfile[e.Profile] = append(byProfile[e.Profile], e)
	}
	tokens, unclaimed := s.TokenLabels(cached.Tokens)
	profiles := s.Config.Profiles()
	unfinished := map[string]bool{}
	for _, names := range [][]string{keys, profiles} {
		for _, name := range store.InterruptedAmong(cached.Others, names) {
			unfinished[name] = true
		}
	}
	out := make(rows, 0, len(profiles)+len(keys)+len(unclaimed))
	add := func(profile, key string, entries []store.Entry) {
		r := newRow(ctx, s.Keystore.Keys, key, entries)
		r.Profile, r.SignedIn, r.Unfinished = profile, tokens[profile], unfinished[cmp.Or(profile, key)]
		out = append(out, r)
	}
	stored := map[string]bool{}
	for _, k := range keys {
		stored[k] = true
	}
	for _, name := range profiles {
		key := ""
		if stored[name] {
			key = name
		}
		add(name, key, byProfile[name])
		delete(stored, name)
		delete(byProfile, name)
	}
	for _, name := range keys {
		if stored[name] {
			add("", name, byProfile[name])
			delete(byProfile, name)
		}
	}
	for _, e := range entries {
		if left, ok := byProfile[e.Profile]; ok {
			add("", "", left)
			delete(byProfile, e.Profile)
		}
	}
	for _, label := range unclaimed {
		out = append(out, row{SignedIn: []string{label}})
	}
	return out, nil
}

// lockedRows returns the rows that list prints for a locked keystore.
func lockedRows(profiles []string) rows {
	out := make(rows, len(profiles))
	for i, name := range profiles {
		out[i] = row{Profile: name, Locked: true}
	}
	return out
}

// newRow returns a row for a key and its sessions. If the parameter key is empty, the row has no key.
func newRow(ctx context.Context, ring keystore.Ring, key string, entries []store.Entry) row {
	r := row{Credentials: key, entries: entries}
	if key != "" {
		if err := keystore.CheckItem(ctx, ring, key); err != nil {
			r.Damaged = err.Error()
		}
	}
	for _, e := range entries {
		r.Sessions = append(r.Sessions, listedSession{e.Kind, e.Profile, e.Expires})
	}
	return r
}

func (r rows) keys() []string {
	var names []string
	for _, row := range r {
		if row.Credentials != "" {
			names = append(names, row.Credentials)
		}
	}
	slices.Sort(names)
	return names
}

func (r rows) labels(now time.Time) []string {
	var labels []string
	for _, row := range r {
		labels = append(labels, row.SignedIn...)
		for _, e := range row.entries {
			labels = append(labels, label(e, now))
		}
	}
	return labels
}

// action returns the name of the API call that creates sessions of this kind. The list prints that name.
func action(kind string) string {
	switch plan.Kind(kind) {
	case plan.KindSessionToken:
		return "sts.GetSessionToken"
	case plan.KindAssumeRole:
		return "sts.AssumeRole"
	case plan.KindWebIdentity, plan.KindOIDC, plan.KindIdentity:
		return "sts.AssumeRoleWithWebIdentity"
	case plan.KindSSO:
		return "sso.GetRoleCredentials"
	case plan.KindProcess:
		return "credential_process"
	case plan.KindFederationToken:
		return "sts.GetFederationToken"
	}
	return kind
}

func label(e store.Entry, now time.Time) string {
	return fmt.Sprintf("%s:%s", action(e.Kind), e.Expires.Sub(now).Truncate(time.Second))
}

// maxPadding is the maximum width to which the last column is padded. One profile can have thousands of sessions.
// Without the limit, all lines would become as long as the line of that profile.
const maxPadding = 200

// listTable prints the list as a table. Its columns are at least 25 characters wide, as in aws-vault 7.
func listTable(a *app.App, r rows) error {
	now := a.Env.Now()
	lines := make([][3]string, 0, 2+len(r))
	lines = append(lines, [3]string{"Profile", "Credentials", "Sessions"}, [3]string{"=======", "===========", "========"})
	for i := range r {
		lines = append(lines, [3]string{ui.Cell(r[i].Profile), r[i].keyCell(), r[i].sessionCell(now)})
	}
	widths := [3]int{25, 25, 25}
	for _, cells := range lines {
		for i, text := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(text)+2)
		}
	}
	widths[2] = min(widths[2], maxPadding)
	out := bufio.NewWriterSize(a.Env.Stdout, ui.LineBuffer)
	for _, cells := range lines {
		for i, text := range cells {
			out.WriteString(text)
			for range widths[i] - utf8.RuneCountInString(text) {
				out.WriteByte(' ')
			}
		}
		out.WriteByte('\n')
	}
	return out.Flush() // Flush returns the first write error
}

// keyCell returns the text of the cell for the stored key.
func (r row) keyCell() string {
	switch {
	case r.Locked:
		return "locked"
	case r.Damaged != "":
		return ui.Cell(r.Credentials) + " (damaged)"
	case r.Unfinished:
		return ui.Cell(r.Credentials) + " (rotation unfinished)"
	}
	return ui.Cell(r.Credentials)
}

// sessionCell returns the text of the cell for the sessions and sign-ins.
func (r row) sessionCell(now time.Time) string {
	if r.Locked {
		return "locked"
	}
	return ui.Cell(strings.Join(rows{r}.labels(now), ", "))
}
