package app

import (
	"context"
	"errors"
	"time"

	"aws-vault/vault/signin/browser"
)

// browserTimeout is the longest time between the start of a browser and the browser's first request.
const browserTimeout = time.Minute

// OpenInBrowser opens url in a browser and waits until the browser has requested url. Anyone who has url can sign in,
// so url must not be an argument of a program. Instead, the browser opens a local page that redirects to url.
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

// errNoBrowser reports that this process cannot show a browser to the user.
var errNoBrowser = errors.New("no browser is available, because there is no display or this is an SSH session")

// A browserError reports that a page could not be opened in a browser.
type browserError struct{ err error }

func (e *browserError) Error() string { return "opening a browser: " + e.err.Error() }

func (e *browserError) Unwrap() error { return e.err }

func (*browserError) Remedy() string {
	return "print the URL and open it yourself: aws-vault login --stdout"
}
