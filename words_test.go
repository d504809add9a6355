package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oldPhrases lists words and phrases that readers had to read twice, and what to write instead. It lists only phrases
// that a program can find without false alarms, so common words such as "want" or "keep" are not in the list.
var oldPhrases = []struct{ pattern, instead string }{
	{`\bmend(s|ed|ing)?\b`, `"fix"`},
	{`\bwhoever\b|\bwhosoever\b`, `the user or the process, by name`},
	{`\bnobody is asked\b`, `"you are not prompted"`},
	{`\bof late\b`, `"recently"`},
	{`\b(one|a) line each\b|\ba line each\b|\bone a line\b`, `"one per line"`},
	{`\bso that (it|they) be\b`, `"so it is"`},
	{`\bshould (it|they|one|this|that) fail\b`, `"if it fails"`},
	{`\bbe it (more|less|one|a|the)\b`, `"whether"`},
	{`\bcannot be had\b`, `"is not available"`},
	{`\bhand(s|ed|ing)? out\b`, `"provide"`},
	{`\breplaced? by a new\b`, `"replace with"`},
	{`\bgoes without saying\b`, `"this is the default"`},
	{`\bkept (session|sessions|token|tokens|sign-in|sign-ins)\b`, `"cached session", "stored token"`},
	{`\btakes? (a|the) (role|code|flag)\b`, `"assume a role", "accept a flag", "use a code"`},
	{`\bis (no|none) longer (there|at hand)\b|\bat hand\b`, `"is not available"`},
	{`\bof one's own\b`, `whose it is`},
	{`\bafter all\b|\bto the letter\b|\bletter for letter\b`, `the fact, without the idiom`},
	{`\b(in|by) (its|their) stead\b|\blest\b|\bthereof\b|\bwherein\b|\bthereby\b|\bhereby\b`, `modern English`},
	{`\bopenid provider`, `"OIDC provider"`},
	{`\bhardware keys?\b`, `"security key"`},
	{`\bwhom\b`, `the user or the process, by name`},
}

// notChecked lists files and folders that the test does not check, with the reason.
var notChecked = map[string]string{
	"USAGE.md":                 "the manual is rewritten page by page",
	"cli/testdata/golden-home": "written by an earlier version, and must not change",
	"words_test.go":            "lists the phrases",
	"vault/profile/testdata":   "written by others",
}

// TestWords finds old phrases in comments, in strings, and in text files.
func TestWords(t *testing.T) {
	var patterns []*regexp.Regexp
	for _, p := range oldPhrases {
		patterns = append(patterns, regexp.MustCompile(`(?i)`+p.pattern))
	}
	check := func(where, text string) {
		text = strings.Join(strings.Fields(text), " ")
		for i, p := range patterns {
			if found := p.FindString(text); found != "" {
				t.Errorf("%s: %q, write %s: %.120q", where, found, oldPhrases[i].instead, text)
			}
		}
	}
	checked := 0
	for _, name := range repositoryFiles(t) {
		if isBelow(name, slices.Collect(maps.Keys(notChecked))) {
			continue
		}
		switch path.Ext(name) {
		case ".go":
			checkGo(t, name, check)
		case ".md", ".txt", ".txtar":
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for paragraph := range strings.SplitSeq(string(text), "\n\n") {
				check(name, paragraph)
			}
		default:
			continue
		}
		checked++
	}
	if checked < 500 {
		t.Errorf("only %d files were checked", checked)
	}
}

// checkGo checks the comments and strings of a Go file.
func checkGo(t *testing.T, name string, check func(where, text string)) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Comments {
		check(files.Position(c.Pos()).String(), c.Text())
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			check(files.Position(l.Pos()).String(), l.Value)
		}
		return true
	})
}
