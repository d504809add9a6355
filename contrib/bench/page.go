package main

import (
	"errors"
	"os"
	"strings"
)

// A page is a Markdown file with marks, between which what was measured stands.
type page struct{ path, text string }

func readPage(path string) (*page, error) {
	text, err := os.ReadFile(path)
	return &page{path, string(text)}, err
}

// put puts text between the marks of that name.
func (p *page) put(name, text string) error {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(p.text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return errors.New(p.path + " has no marks " + strings.TrimSpace(begin) + " and " + end)
	}
	p.text = before + begin + text + end + after
	return nil
}

func (p *page) write() error { return os.WriteFile(p.path, []byte(p.text), 0o644) }
