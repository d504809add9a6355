//go:build interop && linux

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A person is a simulated user. Their Chromium opens the pages that programs pass to xdg-open.
type person struct {
	Press  string   // the value of the button to press on a page; empty for none
	Script string   // a JavaScript expression that runs in the page before that
	Steps  []string // JavaScript expressions that run after that, each in the first page in which it has a value
	Flags  []string // additional flags of the browser
}

// personVariable turns the test binary into the xdg-open of a person, whose fields it holds as JSON. The results are written to
// files in the home directory.
const (
	personVariable = "INTEROP_PERSON"
	openedFile     = "opened" // the opened pages, one per line
	shownFile      = "shown"  // the text of the final pages
)

// desktop installs the person's xdg-open in the world.
func (w *world) desktop(p person) {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		w.t.Fatal(err)
	}
	bin := filepath.Join(w.home, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "xdg-open")); err != nil {
		w.t.Fatal(err)
	}
	w.env = append(w.env, "DISPLAY=:0", "PATH="+bin+":"+os.Getenv("PATH"), personVariable+"="+string(text))
}

// xdgOpen is the main function of the xdg-open program. It returns the exit status.
func xdgOpen(who string, args []string) int {
	var p person
	home := os.Getenv("HOME")
	err := json.Unmarshal([]byte(who), &p)
	if err == nil {
		err = p.opens(strings.Join(args, " "), home)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// opens opens a page and writes the result to the home directory.
func (p person) opens(page, home string) error {
	f, err := os.OpenFile(filepath.Join(home, openedFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, page); err != nil {
		return err
	}
	words, err := p.signsIn(page, filepath.Join(home, "chromium"))
	if err != nil {
		words = err.Error()
	}
	return os.WriteFile(filepath.Join(home, shownFile), []byte(words), 0o600)
}

// signsIn decides on a sign-in page and returns the text of the callback's page.
func (p person) signsIn(page, folder string) (words string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), browserTime)
	defer cancel()
	c, err := startChromium(ctx, folder, p.Flags)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.visit(page); err != nil {
		return "", err
	}
	if p.Press != "" {
		if err := p.decides(c); err != nil {
			return "", err
		}
	}
	for _, step := range p.Steps {
		var done any
		if err := c.until(step, &done); err != nil {
			return "", err
		}
	}
	err = c.until(`location.pathname == "/oauth/callback" && document.readyState == "complete" ? document.body.innerText : null`, &words)
	return words, err
}

func (p person) decides(c *chromium) error {
	at, err := c.button(p.Press)
	if err != nil {
		return err
	}
	if p.Script != "" {
		var done any
		if err := c.evaluate(p.Script, &done); err != nil {
			return err
		}
	}
	return c.click(at)
}
