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

// A person is a simulated user. When a program passes a page to xdg-open, the person opens the page in Chromium.
// Each of the Steps is evaluated again after every page load until it has a value.
type person struct {
	Press  string   // value of the button that the person presses; may be empty
	Script string   // JavaScript expression that runs in the page before Press; may be empty
	Steps  []string // JavaScript expressions that run in order after Press
	Flags  []string // additional flags for Chromium
}

// personVariable makes the test binary run as the xdg-open of a person. The variable has the person's fields as JSON.
// The results are written to openedFile and shownFile in the home directory.
const (
	personVariable = "INTEROP_PERSON"
	openedFile     = "opened" // the addresses of the opened pages, one per line
	shownFile      = "shown"  // the text of the last page of the sign-in
)

// desktop installs the person's xdg-open in the world's home directory.
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

// xdgOpen is the main function when the test binary runs as xdg-open. It returns the exit status.
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

// opens opens a page and writes the text of the last page to the home directory.
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

// signsIn allows or denies a sign-in, as the person's fields specify, and returns the text of the callback's page.
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
