package main

import (
	"fmt"
	"os"
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
	points []point
}

// A panel is the lines of commands among more and more of one thing.
type panel struct {
	of    string // such as "profile"
	lines []line
}

// fit is the straight line with the least squares: what it begins with, and what each one more costs.
func (l line) fit() (start, each float64) {
	var n, x, y, xx, xy float64
	for _, p := range l.points {
		at, took := float64(p.n), float64(p.took)
		n, x, y, xx, xy = n+1, x+at, y+took, xx+at*at, xy+at*took
	}
	if d := n*xx - x*x; d != 0 {
		each = (n*xy - x*y) / d
	}
	return (y - each*x) / n, each
}

// slope names the line's.
func (l line) slope(of string) string {
	_, each := l.fit()
	return fmt.Sprintf("%.2f µs for each %s more", each/float64(time.Microsecond), of)
}

// growth measures exec and list among more and more profiles and sessions.
func (b *bencher) growth() (svg []byte, slopes string, err error) {
	profiles, err := b.amongProfiles(10, 100, 1_000, 10_000, 20_000)
	if err != nil {
		return nil, "", err
	}
	sessions, err := b.amongSessions(1, 100, 1_000, 5_000)
	if err != nil {
		return nil, "", err
	}
	panels := []panel{profiles, sessions}
	var text strings.Builder
	text.WriteString("| command | slope | measured, among so many |\n|---|---|---|\n")
	for _, p := range panels {
		for _, l := range p.lines {
			var at []string
			for _, q := range l.points {
				at = append(at, fmt.Sprintf("%s: %s", grouped(q.n), ms(q.took)))
			}
			fmt.Fprintf(&text, "| `%s` among %ss | %s | %s |\n", l.name, p.of, l.slope(p.of), strings.Join(at, ", "))
		}
	}
	os.Stdout.WriteString(text.String())
	return plotted(panels), text.String(), nil
}

func (b *bencher) amongProfiles(sizes ...int) (panel, error) {
	p := panel{of: "profile", lines: []line{{name: "exec"}, {name: "list"}}}
	for _, n := range sizes {
		h, err := b.warmHome(plain+many(n-2), "alice") // two are plain
		if err != nil {
			return panel{}, err
		}
		err = p.measure(b, h, "alice", n)
		h.close()
		if err != nil {
			return panel{}, err
		}
	}
	return p, nil
}

// amongSessions has all of them belong to one profile, so that the config file is small throughout.
// They differ by the name of the role session.
func (b *bencher) amongSessions(sizes ...int) (panel, error) {
	p := panel{of: "session", lines: []line{{name: "exec"}, {name: "list"}}}
	h, err := b.warmHome(plain, "readonly")
	if err != nil {
		return panel{}, err
	}
	defer h.close()
	have := 1
	for _, n := range sizes {
		err := h.together(n-have, func(i int) error {
			c := h.command("export", "--format=json", "readonly")
			c.Env = append(c.Environ(), fmt.Sprintf("AWS_ROLE_SESSION_NAME=s%05d", have+i))
			return c.Run()
		})
		if err != nil {
			return panel{}, err
		}
		have = n
		if err := h.holds(n); err != nil {
			return panel{}, err
		}
		if err := p.measure(b, h, "readonly", n); err != nil {
			return panel{}, err
		}
	}
	return p, nil
}

// holds says whether there are so many sessions.
func (h *home) holds(n int) error {
	out, err := h.command("list", "--sessions").Output()
	if have := strings.Count(string(out), "\n"); err == nil && have != n {
		err = fmt.Errorf("list shows %d sessions, want %d", have, n)
	}
	return err
}

// measure adds a point to each line: exec of a profile, and list. They are not held against each
// other, so each runs alone: what a long list leaves in the machine's caches is none of exec's.
func (p *panel) measure(b *bencher, h *home, profile string, n int) error {
	for i, c := range []contender{h.exec(profile), h.list()} {
		t, err := b.race(max(b.runs/3, 1), c)
		if err != nil {
			return err
		}
		p.lines[i].points = append(p.lines[i].points, point{n, t[c.name].median()})
	}
	return nil
}

// grouped writes a number with a comma between thousands.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
