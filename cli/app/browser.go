package app

import (
	"context"
	"errors"
	"time"

	"aws-vault/vault/signin/browser"
)

// browserTimeout is how long a browser may take to open a page.
const browserTimeout = time.Minute

// OpenInBrowser opens a page that leads a browser to the address. The address itself, which signs in
// whoever has it, is no program's argument.
func (a *App) OpenInBrowser(ctx context.Context, url string, choice browser.Choice) error {
	page, err := browser.Serve(url, choice, a.Env.Peers)
	if err != nil {
		return err
	}
	defer page.Close()
	if err := openPage(a, page.URL(), choice); err != nil {
		return &browserError{err}
	}
	if err := page.Wait(ctx, browserTimeout); err != nil {
		return &browserError{err}
	}
	return nil
}

func openPage(a *App, address string, choice browser.Choice) error {
	switch {
	case choice != (browser.Choice{}):
	case !a.Env.browserReachable():
		return errNoBrowser
	default:
		return a.Env.OpenBrowser(address)
	}
	argv, err := choice.Command(address, a.Env.LookPath)
	if err != nil {
		return err
	}
	return a.Env.StartProgram(argv)
}

// errNoBrowser is for a machine whose browser would not come before the one who waits.
var errNoBrowser = errors.New("none can be reached from here, without a display or over SSH")

// A browserError is a page that could not be opened.
type browserError struct{ err error }

func (e *browserError) Error() string { return "opening a browser: " + e.err.Error() }

func (e *browserError) Unwrap() error { return e.err }

func (*browserError) Remedy() string {
	return "print the address and open it yourself: aws-vault login --stdout"
}
