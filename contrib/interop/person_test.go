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

// A person has a Chromium, and opens in it what programs ask xdg-open to.
type person struct {
	Press  string   // the value of the button that is pressed on a page; "" where there is none to press
	Script string   // what the page itself does before that, as an expression with a value
	Steps  []string // after that, each an expression that does something in the first page in which it has a value
	Flags  []string // of the browser, besides its own
}

// personVariable makes the test binary the xdg-open of a person, who is in it as JSON. What they
// met is told in files of their home.
const (
	personVariable = "INTEROP_PERSON"
	openedFile     = "opened" // the pages, one a line
	shownFile      = "shown"  // the words that they came to
)

// desktop gives the world to a person.
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

// xdgOpen is the program of that name, and returns its status.
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

// opens opens a page and leaves in the home what came of it.
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

// signsIn decides on a sign-in page, and returns the words that the callback's page shows.
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
