package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPicture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.svg")
	if err := picture(file, "before\nhere\n$ a <b>\n# remark\nafter\n", "here\n", "after"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"$ a &lt;b&gt;</text>", "# remark</text>", "</svg>"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the picture lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "before") || strings.Contains(string(text), "after") {
		t.Errorf("the picture shows what lies outside:\n%s", text)
	}
	if err := picture(file, "nothing", "here", "after"); err == nil {
		t.Error("a picture of nothing was drawn")
	}
}
