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

// A meter is a writer that counts the writes and the lines.
type meter struct{ writes, lines int }

func (m *meter) Write(p []byte) (int, error) {
	m.writes++
	m.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// TestManyProfilesCostLittle measures the cost of each additional profile. A command must need almost no
// additional allocations and writes for a profile. The allocated bytes may exceed the size of the profile's text
// in the config file by a few hundred.
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
		prints  int     // minimum number of lines that the command prints
		bytes   float64 // maximum allocated bytes for each profile, in addition to the profile's text in the config file
	}{
		{"list", many, 310},
		{"list --profiles", many, 140},
		{"list --json", many, 600},
		{"--completion-bash exec p", many, 160},
		{"explain p7", 1, 125},
	} {
		run(few, c.command) // the program creates some values only once; do not count these values
		_, fewObjects, fewBytes := run(few, c.command)
		m, objects, size := run(many, c.command)
		if m.lines < c.prints || m.writes > 8 {
			t.Errorf("%s prints %d lines in %d writes", c.command, m.lines, m.writes)
		}
		if each := (float64(objects) - float64(fewObjects)) / (many - few); each > 0.1 {
			t.Errorf("%s allocates %.2f times for each profile", c.command, each)
		}
		text := float64(sizes[many] - sizes[few])
		if each := (float64(size) - float64(fewBytes) - text) / (many - few); each > c.bytes {
			t.Errorf("%s allocates %.0f bytes for each profile, besides the config file, want at most %.0f", c.command, each, c.bytes)
		}
	}
}
