package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	var all times
	for i := range 101 {
		all = append(all, time.Duration(i))
	}
	if all.quartile(1) != 25 || all.median() != 50 || all.quartile(3) != 75 {
		t.Errorf("quartiles %d, %d, %d", all.quartile(1), all.median(), all.quartile(3))
	}
	if one := (times{7}); one.quartile(1) != 7 || one.median() != 7 {
		t.Errorf("of one time: %d, %d", one.quartile(1), one.median())
	}
}

func TestCells(t *testing.T) {
	took := func(d time.Duration) times { return times{d, d, d} }
	for _, c := range []struct {
		most  float64
		floor time.Duration
		calls int
		want  string
	}{
		{0, 2 * time.Millisecond, 3, "| `exec` | 3.0 ms | 3.0–3.0 ms | 2.0 ms | 1.50 | – | – | 1 |\n"},
		{1.5, 2 * time.Millisecond, 0, "| `exec` | 3.0 ms | 3.0–3.0 ms | 2.0 ms | 1.50 | 1.5 | yes | 0 |\n"},
		{1.5, 1900 * time.Microsecond, 1, "| `exec` | 3.0 ms | 3.0–3.0 ms | 1.9 ms | 1.58 | 1.5 | no | 0.333 |\n"},
	} {
		r := result{row: row{what: "`exec`", bound: c.most}, ours: took(3 * time.Millisecond), floor: took(c.floor), calls: c.calls}
		if got := r.cells(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestColdMissed(t *testing.T) {
	for c, want := range map[coldStart]bool{{1, 1}: false, {2, 1}: true, {1, 2}: true, {0, 1}: true} {
		if c.missed() != want {
			t.Errorf("%d calls and %d prompts: missed %t, want %t", c.calls, c.prompts, !want, want)
		}
	}
}

func TestFillPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const text = "before\n<!-- a -->\nold\n<!-- /a -->\nbetween\n<!-- b -->\n<!-- /b -->\nafter\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fillPage(path, map[string]string{"a": "new\n", "b": "more\n"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	const want = "before\n<!-- a -->\nnew\n<!-- /a -->\nbetween\n<!-- b -->\nmore\n<!-- /b -->\nafter\n"
	if err != nil || string(got) != want {
		t.Errorf("the page is %q, %v", got, err)
	}
	if err := fillPage(path, map[string]string{"c": "lost\n"}); err == nil || !strings.Contains(err.Error(), "markers <!-- c --> and <!-- /c -->") {
		t.Errorf("without marks: %v", err)
	}
}

// docs/performance.md contains a pair of markers for each part that the benchmark inserts.
func TestPageHasMarks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fillPage(path, parts(nil, coldStart{}, 0, 0)); err != nil {
		t.Error(err)
	}
}

// The plot is well-formed. It has one dot for each median, including the medians of the floor program.
func TestDrawing(t *testing.T) {
	var all []result
	lines := map[string]int{}
	for _, r := range rows {
		took := times{time.Duration(r.profiles) * time.Microsecond}
		all = append(all, result{row: r, ours: took, floor: took})
		lines[r.line]++
	}
	dots := 0
	for d := xml.NewDecoder(strings.NewReader(string(drawing(all)))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			dots++
		}
	}
	if want := 2*lines["exec"] + lines["list"]; dots != want {
		t.Errorf("%d dots, want %d", dots, want)
	}
}
