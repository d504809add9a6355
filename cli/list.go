package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

func listCommand(k *kingpin.Application, a *app) {
	var profiles, sessions, credentials, asJSON bool
	c := k.Command("list", "List profiles, with the keys and sessions that are held for them.").Alias("ls")
	c.Flag("profiles", "Print the names of profiles only, one a line.").BoolVar(&profiles)
	c.Flag("sessions", "Print the sessions only, one a line.").BoolVar(&sessions)
	c.Flag("credentials", "Print the names of stored keys only, one a line.").BoolVar(&credentials)
	c.Flag("json", "Print everything as JSON.").BoolVar(&asJSON)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		if profiles && !credentials && !asJSON {
			config, _, err := a.readConfig(nil)
			if err != nil {
				return err
			}
			return printLines(a.env.Stdout, config.Profiles())
		}
		s, err := a.open(ctx, "list", nil, "")
		if err != nil {
			return err
		}
		rows, err := s.rows(ctx)
		if err != nil {
			return err
		}
		switch {
		case asJSON:
			return a.listJSON(rows)
		case credentials:
			return printLines(a.env.Stdout, rows.keys())
		case sessions:
			return printLines(a.env.Stdout, rows.labels(a.env.Now()))
		}
		return a.listTable(rows)
	}})
}

// lineBuffer holds lines until they are worth a system call.
const lineBuffer = 64 << 10

func printLines(to io.Writer, lines []string) error {
	w := bufio.NewWriterSize(to, lineBuffer)
	for _, l := range lines {
		w.WriteString(l)
		w.WriteByte('\n')
	}
	return w.Flush()
}

// A row is a profile, or a key or a session that no profile claims.
type row struct {
	Profile     string   `json:"profile,omitempty"`
	Credentials string   `json:"credentials,omitempty"`
	Damaged     string   `json:"damaged,omitempty"` // what is wrong with the stored key, as far as can be seen
	Sessions    []listed `json:"sessions,omitempty"`
	SignedIn    []string `json:"signed_in,omitempty"`
	entries     []store.Entry
}

type listed struct {
	Kind    string    `json:"kind"`
	Profile string    `json:"profile"`
	Expires time.Time `json:"expires"`
}

type rows []row

// rows lists the keystore once and opens nothing.
func (s *session) rows(ctx context.Context) (rows, error) {
	keys, err := s.Keys.Names(ctx)
	if err != nil {
		return nil, err
	}
	kept, warnings, err := s.Sessions.Kept(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		s.Warn(w)
	}
	entries, of := kept.Sessions, map[string][]store.Entry{}
	for _, e := range entries {
		of[e.Profile] = append(of[e.Profile], e)
	}
	tokens, unclaimed := s.tokenLabels(kept.Tokens)
	profiles := s.Config.Profiles()
	out := make(rows, 0, len(profiles)+len(keys)+len(unclaimed))
	add := func(profile, key string, entries []store.Entry) {
		r := row{Profile: profile, Credentials: key, SignedIn: tokens[profile], entries: entries}
		if key != "" {
			if err := keystore.Whole(ctx, s.keystore.Keys, key); err != nil {
				r.Damaged = err.Error()
			}
		}
		for _, e := range entries {
			r.Sessions = append(r.Sessions, listed{e.Kind, e.Profile, e.Expires})
		}
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
		add(name, key, of[name])
		delete(stored, name)
		delete(of, name)
	}
	for _, name := range keys {
		if stored[name] {
			add("", name, of[name])
			delete(of, name)
		}
	}
	for _, e := range entries {
		if left, ok := of[e.Profile]; ok {
			add("", "", left)
			delete(of, e.Profile)
		}
	}
	for _, label := range unclaimed {
		out = append(out, row{SignedIn: []string{label}})
	}
	return out, nil
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

// action is the name of the step that sessions of a kind are listed by.
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

// mostPadded is how wide the last column is made at most: nothing stands behind it, and one profile
// may have thousands of sessions in it, which would widen the lines of all others.
const mostPadded = 200

// listTable writes columns that are 25 wide or more, as aws-vault 7 does.
func (a *app) listTable(r rows) error {
	now := a.env.Now()
	lines := make([][3]string, 0, 2+len(r))
	lines = append(lines, [3]string{"Profile", "Credentials", "Sessions"}, [3]string{"=======", "===========", "========"})
	for i := range r {
		lines = append(lines, [3]string{dash(r[i].Profile), r[i].key(), dash(strings.Join(r[i:i+1].labels(now), ", "))})
	}
	widths := [3]int{25, 25, 25}
	for _, cells := range lines {
		for i, text := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(text)+2)
		}
	}
	widths[2] = min(widths[2], mostPadded)
	out := bufio.NewWriterSize(a.env.Stdout, lineBuffer)
	for _, cells := range lines {
		for i, text := range cells {
			out.WriteString(text)
			for range widths[i] - utf8.RuneCountInString(text) {
				out.WriteByte(' ')
			}
		}
		out.WriteByte('\n')
	}
	return out.Flush() // of all that went wrong, the first
}

// key is the cell of the stored key.
func (r row) key() string {
	if r.Damaged != "" {
		return r.Credentials + " (damaged)"
	}
	return dash(r.Credentials)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (a *app) listJSON(r rows) error {
	enc := json.NewEncoder(a.env.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
