package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A point is what something took among so many.
type point struct {
	n    int
	took time.Duration
}

// A line is how something grows.
type line struct {
	name   string
	of     string // what there are n of
	points []point
}

// slope is what the largest costs more than the smallest, for each one more.
func (l line) slope() time.Duration {
	first, last := l.points[0], l.points[len(l.points)-1]
	return (last.took - first.took) / time.Duration(last.n-first.n)
}

// growth measures exec and list among more and more profiles and sessions.
func (b *bencher) growth() (svg []byte, slopes string, err error) {
	execs, lists, sessions := line{name: "exec", of: "profiles"}, line{name: "list", of: "profiles"}, line{name: "list", of: "sessions"}
	for _, n := range []int{10, 100, 1_000, 10_000, 20_000} {
		h, err := b.warmHome(plain+many(n), "alice")
		if err != nil {
			return nil, "", err
		}
		t, err := b.race(b.runs/2, h.exec("alice"), contender{"list", func() *exec.Cmd { return h.command("list") }})
		h.close()
		if err != nil {
			return nil, "", err
		}
		execs.points, lists.points = append(execs.points, point{n, t["exec"]}), append(lists.points, point{n, t["list"]})
	}
	for _, n := range []int{1, 100, 1_000, 5_000} {
		h, err := b.crowded(n, n)
		if err != nil {
			return nil, "", err
		}
		t, err := b.race(b.runs/4, contender{"list", func() *exec.Cmd { return h.command("list") }})
		h.close()
		if err != nil {
			return nil, "", err
		}
		sessions.points = append(sessions.points, point{n, t["list"]})
	}
	lines := []line{execs, lists, sessions}
	var text strings.Builder
	text.WriteString("| command | among | " + "each one more costs | measured |\n|---|---|---|---|\n")
	for _, l := range lines {
		var at []string
		for _, p := range l.points {
			at = append(at, fmt.Sprintf("%d: %s", p.n, ms(p.took)))
		}
		fmt.Fprintf(&text, "| `%s` | %s | %.1f µs | %s |\n", l.name, l.of, float64(l.slope())/float64(time.Microsecond), strings.Join(at, ", "))
	}
	os.Stdout.WriteString(text.String())
	return plotted(lines), text.String(), nil
}

// insert puts text between the marks of that name in a file.
func insert(path, name, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return errors.New(path + " has no marks " + strings.TrimSpace(begin) + " and " + end)
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o644)
}
