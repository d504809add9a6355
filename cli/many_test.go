package cli_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"aws-vault/cli"
	"aws-vault/cli/app"
	"aws-vault/vault/keystore"
)

// A meter counts what is written to it, and in how many pieces.
type meter struct{ writes, lines int }

func (m *meter) Write(p []byte) (int, error) {
	m.writes++
	m.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// What a command makes for each of many profiles is counted, not timed: no object, no system call,
// and few bytes besides those of the config file, which is read once.
func TestManyProfilesCostLittle(t *testing.T) {
	const few, many = 1000, 3000
	var config strings.Builder
	config.WriteString("[profile alice]\ncredential_process = keys\n\n")
	homes, sizes := map[int]string{}, map[int]int{}
	for i := range many + 1 {
		if i == few || i == many {
			homes[i], sizes[i] = completionHome(t, config.String()), config.Len()
		}
		fmt.Fprintf(&config, "[profile p%d]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r%d\nsource_profile = alice\n\n", i, i)
	}
	run := func(profiles int, command string) (m meter, objects, size uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		status := cli.Main(t.Context(), strings.Fields(command), app.Env{
			Stdout: &m, Stderr: t.Output(), Home: homes[profiles], Now: time.Now, OpenKeystore: keystore.Open,
			Environ: func() []string { return nil },
			Getenv: func(name string) (string, bool) {
				backend := map[string]string{"AWS_VAULT_BACKEND": "file"}
				value, set := backend[name]
				return value, set
			},
		})
		runtime.ReadMemStats(&after)
		if status != 0 {
			t.Errorf("%s ends with status %d", command, status)
		}
		return m, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc
	}
	for _, c := range []struct {
		command string
		prints  int     // so many lines, or more
		bytes   float64 // as many as the file has, and so many more for each profile
	}{
		{"list", many, 310},
		{"list --profiles", many, 140},
		{"list --json", many, 600},
		{"--completion-bash exec p", many, 160},
		{"explain p7", 1, 125},
	} {
		run(few, c.command) // what is made once is made now
		_, fewObjects, fewBytes := run(few, c.command)
		m, objects, size := run(many, c.command)
		if m.lines < c.prints || m.writes > 8 {
			t.Errorf("%s prints %d lines in %d pieces", c.command, m.lines, m.writes)
		}
		if each := (float64(objects) - float64(fewObjects)) / (many - few); each > 0.1 {
			t.Errorf("%s makes %.2f objects a profile", c.command, each)
		}
		text := float64(sizes[many] - sizes[few])
		if each := (float64(size) - float64(fewBytes) - text) / (many - few); each > c.bytes {
			t.Errorf("%s takes %.0f bytes a profile besides the file's, want at most %.0f", c.command, each, c.bytes)
		}
	}
}
