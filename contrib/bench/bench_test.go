package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	var all times
	for i := range 101 {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	if all.median() != 50*time.Millisecond || all.half() != "25.0–75.0 ms" {
		t.Errorf("median %v, half %s", all.median(), all.half())
	}
	if one := (times{time.Millisecond}); one.median() != time.Millisecond || one.half() != "1.0–1.0 ms" {
		t.Errorf("of one: median %v, half %s", one.median(), one.half())
	}
}

func TestFit(t *testing.T) {
	straight := line{name: "list", points: []point{{10, 3_010_000}, {100, 3_100_000}, {20_000, 23_000_000}}}
	if start, each := straight.fit(); math.Abs(start-3e6) > 1 || math.Abs(each-1000) > 0.001 {
		t.Errorf("it begins with %v and grows by %v, want 3 ms and 1 µs", start, each)
	}
	if got := straight.slope("profile"); got != "1.00 µs for each profile more" {
		t.Errorf("the slope is called %q", got)
	}
	single := line{points: []point{{5, 7}}}
	if start, each := single.fit(); start != 7 || each != 0 {
		t.Errorf("one point fits %v, %v", start, each)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 20_000: "20,000", 1_002_003: "1,002,003"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestRoundStep(t *testing.T) {
	for least, want := range map[float64]float64{0.3: 1, 1: 1, 1.1: 2, 4: 5, 5.1: 10, 61: 100, 4000: 5000} {
		if got := roundStep(least); got != want {
			t.Errorf("a step of at least %v is %v, want %v", least, got, want)
		}
	}
}

// A picture has a dot for each point, within its frame, and names each slope.
func TestPlotted(t *testing.T) {
	svg := plotted([]panel{
		{"profile", []line{{"exec", []point{{10, 5e6}, {20_000, 25e6}}}, {"list", []point{{10, 3e6}, {20_000, 101e6}}}}},
		{"session", []line{{"exec", []point{{1, 5e6}, {5_000, 5e6}}}}},
	})
	counts := map[string]int{}
	var said []string
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			counts[token.Name.Local]++
		case xml.CharData:
			said = append(said, string(token))
		}
	}
	const dots, samples = 6, 3
	if counts["circle"] != dots+samples {
		t.Errorf("%d circles, want %d", counts["circle"], dots+samples)
	}
	for _, want := range []string{"exec: 1.00 µs for each profile more", "list: 4.90 µs for each profile more", "exec: 0.00 µs for each session more", "20,000", "5,000", "150", "number of sessions", "median, in milliseconds"} {
		if !slices.Contains(said, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const text = "before\n<!-- a -->\nold\n<!-- /a -->\nbetween\n<!-- b -->\n<!-- /b -->\nafter\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := readPage(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a": "new\n", "b": "more\n"} {
		if err := p.put(name, text); err != nil {
			t.Error(err)
		}
	}
	if err := p.put("c", "lost\n"); err == nil || !strings.Contains(err.Error(), "has no marks <!-- c --> and <!-- /c -->") {
		t.Errorf("without marks: %v", err)
	}
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	const want = "before\n<!-- a -->\nnew\n<!-- /a -->\nbetween\n<!-- b -->\nmore\n<!-- /b -->\nafter\n"
	if err != nil || string(got) != want {
		t.Errorf("the page is %q, %v", got, err)
	}
}

// The page in the repository has all the marks that make bench writes between.
func TestPageHasMarks(t *testing.T) {
	p, err := readPage(filepath.Join("..", "..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bencher{}
	for _, part := range b.parts(nil) {
		if err := p.put(part.name, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestFileSystem(t *testing.T) {
	const mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n" +
		"30 22 0:25 / /volume rw shared:2 - overlay none rw\n" +
		"31 22 0:26 / /volume rw shared:3 - tmpfs tmpfs rw\nbroken line\n30 22 - \n"
	for path, want := range map[string]string{"/volume/x": "tmpfs", "/volume": "tmpfs", "/volumes": "ext4", "/elsewhere": "ext4"} {
		if got := fileSystem(mounts, path); got != want {
			t.Errorf("%s lies on %q, want %q", path, got, want)
		}
	}
	if got := fileSystem("", "/volume"); got != "" {
		t.Errorf("without mounts it lies on %q", got)
	}
}

func TestReadWrk(t *testing.T) {
	const said = "  Latency Distribution\n     50%    1.00ms\n     99%   10.50ms\nRequests/sec:  81234.56\n"
	got, err := readWrk(said)
	if want := (load{81234.56, 10500 * time.Microsecond}); err != nil || got != want {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", said + "  Non-2xx or 3xx responses: 3\n", said + "  Socket errors: connect 0, read 1\n"} {
		if _, err := readWrk(bad); err == nil {
			t.Errorf("%q was taken for a measurement", bad)
		}
	}
}

func TestCells(t *testing.T) {
	for _, c := range []struct {
		figure figure
		want   []string
	}{
		{figure{here: "15.1 MB", met: true}, []string{"15.1 MB", "–", "–", "–", "yes"}},
		{figure{here: "2.5 ms", took: 2500 * time.Microsecond, half: "2.4–2.6 ms", ofTrue: 3.125, ofGo: 2.5}, []string{"2.5 ms", "2.4–2.6 ms", "3.1×", "2.5×", "no"}},
		{notMeasured("wrk"), []string{"not measured: no wrk in PATH", "–", "–", "–", "–"}},
	} {
		if got := c.figure.cells(); !slices.Equal(got, c.want) {
			t.Errorf("%+v is shown as %q, want %q", c.figure, got, c.want)
		}
	}
}
