package profile

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// headerPosition is the position of a header in the text, and the text of the header.
type headerPosition struct {
	start, line int
	header      string
}

// headersLineByLine finds the headers by reading every line with the grammar.
func headersLineByLine(text string) []headerPosition {
	var found []headerPosition
	var g grammar
	l := newLines(text, len(text)-len(strings.TrimPrefix(text, byteOrderMark)), 0)
	for start, end, ok := l.next(); ok; start, end, ok = l.next() {
		kind, content := g.read(text[start:end])
		switch kind {
		case headerLine:
			found = append(found, headerPosition{start, l.number, content[1:strings.LastIndexByte(content, ']')]})
		case openHeaderLine:
			found = append(found, headerPosition{start, l.number, content})
		}
		if len(found) == 0 {
			g.open = false // a line before the first header is never part of a value
		}
	}
	return found
}

// checkHeaders fails the test if findHeaders and headersLineByLine find different headers. It also fails the test
// if [File.named] does not find a section by its name.
func checkHeaders(t *testing.T, f *File) {
	t.Helper()
	var got []headerPosition
	seen := map[sectionKind][]string{}
	for i := range f.sections[1:] {
		s := &f.sections[i+1]
		got = append(got, headerPosition{s.headerStart, s.line, s.header})
		if s.name == "" || s.kind == brokenSection || i > 200 { // limits the number of calls to File.named
			continue
		}
		if !slices.Contains(seen[s.kind], s.name) {
			seen[s.kind] = append(seen[s.kind], s.name)
		}
		all := f.named(s.kind, s.name)
		if !slices.ContainsFunc(all, func(other *section) bool { return other == s }) {
			t.Errorf("named does not return section %q at line %d", s.header, s.line)
		}
		for _, other := range all {
			if other.kind != s.kind || other.name != s.name {
				t.Errorf("named returns %q as a section with the name %q", other.header, s.name)
			}
		}
	}
	if want := headersLineByLine(f.text); !slices.Equal(got, want) {
		t.Errorf("in %q\nfound %+v\nwant  %+v", f.text, got, want)
	}
	for kind, names := range seen {
		if len(f.sections) > 200 {
			break
		}
		if got := f.names(kind); !slices.Equal(got, names) {
			t.Errorf("names of kind %d are %q, want %q", kind, got, names)
		}
	}
}

// headTexts are texts with a bracket in all possible positions of a line.
var headTexts = []string{
	"", "\n", "[", "[]", "[a]", " [a]", "\u00a0\t[a]", "\x85[a]", "\xff[a]", "x[a]", "[a", "[a = b", "[a = b]", "[=", "[a]b]",
	"[a]\n[b]\n", "[a]\r[b]\r", "[a]\r\n\r\n\n\r[b]\r\n", "[a]\r\n x = [y]\n[b]", "\ufeff[a]\n\ufeff[b]\n", "\ufeff [a]\n",
	"k = v\n  [a]\n  [b]\nk = v\n  [c]\n[d]\n", // [c] is part of the value of k; [a] is a header
	"[a]\nk = v\n [b]\n[c]\n", "[a]\nk =\n [b]\n\n# c\n  [c]\nl = v\n[d]\n", "[a]\n k = v\n [b]\n  [c]\n", "[a]\n k = v\n[b]\n [c]\n",
	"[a]\nbad\n [b]\n", "[a]\n= bad\n [b]\n", "[a]\nk: v\n\u2003[b]\n", "  [a]\n [b]\n   [c]\n", "[a]\n[k = v\n [b]\n[c]\n", "[a]\n# [b]\n; [c]\n #\n [d]\n",
	"[a]\npolicy = {\"Resource\": [\"*\"],\n  [\"x\"]\n}\n[b]\n", strings.Repeat("[ ", 100) + "\n [b]", "[profile a]\n[default]\n[profile a]\n[profile default]\n",
}

func TestFindHeaders(t *testing.T) {
	for _, text := range headTexts {
		checkHeaders(t, config(t, text))
		checkHeaders(t, credentials(t, text))
	}
	paths, err := filepath.Glob("testdata/*/*")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d files, error %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		checkHeaders(t, config(t, string(text)))
		checkHeaders(t, config(t, string(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))))
		checkHeaders(t, config(t, string(bytes.ReplaceAll(text, []byte("\n"), []byte("\r")))))
	}
}

func FuzzFindHeaders(f *testing.F) {
	addCorpus(f, func(text []byte) { f.Add(string(text)) })
	for _, text := range headTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string, string) (*File, error){Parse[string], ParseCredentials[string]} {
			if file, err := parse("config", text); err == nil {
				checkHeaders(t, file)
			}
		}
	})
}

// If very many sections have the same name, previousSection still finds the previous section with that name.
func TestManySectionsWithOneName(t *testing.T) {
	const many = 1 << 10
	var b strings.Builder
	for i := range many {
		b.WriteString("[profile p]\n[profile q" + strconv.Itoa(i) + "]\n")
	}
	f := config(t, b.String())
	all := f.named(profileSection, "p")
	if len(all) != many || !slices.IsSortedFunc(all, func(a, b *section) int { return a.line - b.line }) {
		t.Errorf("%d sections, want %d in the order of the file", len(all), many)
	}
	if n := len(f.Profiles()); n != many+1 {
		t.Errorf("%d profiles, want %d", n, many+1)
	}
	for _, s := range all[1:] {
		if before := f.previousSection(s); before == nil || before.line != s.line-2 {
			t.Fatalf("the section before line %d is %+v", s.line, before)
		}
	}
}
