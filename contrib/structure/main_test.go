package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestStructure(t *testing.T) {
	source := func(lines int, text string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(text + strings.Repeat("\n", lines-strings.Count(text, "\n")))}
	}
	long := "func long() {" + strings.Repeat("\n", longFunction) + "}\n"
	c, err := read(fstest.MapFS{
		"main.go":              source(50, "package main\nimport (\n_ \"aws-vault/cli\"\n_ \"aws-vault/contrib/texts\"\n)\n"),
		"cli/cli.go":           source(100, "package cli\ntype app struct{}\nfunc (a *app) one() {}\nfunc (app) two() {}\n"+long),
		"cli/list.go":          source(20, "package cli\ntype list[T any] struct{}\nfunc (l *list[T]) add() {}\n"),
		"cli/page_linux.go":    source(10, "package cli\n"),
		"cli/page_other.go":    source(10, "package cli\n"),
		"cli/cli_test.go":      source(300, "package cli\nfunc (app) three() {}\n"),
		"cli/testdata/x.go":    source(300, "not Go"),
		".cache/x.go":          source(300, "not Go"),
		"fake/fake.go":         source(30, "package fake\n"),
		"contrib/demo/main.go": source(30, "package main\nimport _ \"aws-vault/fake\"\n"),
		"contrib/texts/t.go":   source(5, "package texts\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c.print(&out)
	const want = `Methods per type, the first 2 of 2 types:
     2 cli app
     1 cli list

Files per package, and without counting a topic again for each operating system:
     1    1 .
     4    3 cli
     1    1 contrib/demo
     1    1 contrib/texts
     1    1 fake

Files of the program under 40 lines that are not for one system: 1
       cli/list.go

Functions over 60 lines: 1
       cli/cli.go: long (61 lines)

Lines of the program: 190
Lines of contrib: 35
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
