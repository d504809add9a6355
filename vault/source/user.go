package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/peer"
	"aws-vault/vault/printable"
	"aws-vault/vault/signin"
	"aws-vault/vault/signin/browser"
)

// User describes how to reach the user for a sign-in.
type User struct {
	OpenBrowser func(url string) error // opens a page on this machine; nil if that is not possible or not wanted
	Show        func(message string)   // prints where to sign in, and with which code
	UseDevice   bool                   // whether to sign in with a code instead of a browser on this machine
	Remote      bool                   // whether the user is at another machine and would not see a browser that opens on this machine
	SeesOutput  bool                   // whether the user can see the output of Show while a browser page is open
	Hostname    string                 // name of this machine; may be empty
	Unattended  bool                   // whether no user can see what Show prints
	Peers       peer.Check             // decides which connections may come from the user's browser

	AskCode func(context.Context) (string, error) // prompts for the code that a page shows; nil if no prompt is possible
}

// SignInError reports a sign-in that did not complete. It wraps the reason; see package signin.
type SignInError struct {
	To   string // provider that the user was to sign in to
	Err  error
	OIDC bool // whether the provider is an OIDC provider
}

func (e *SignInError) Error() string { return fmt.Sprintf("signing in to %s: %v", e.To, e.Err) }

// Unwrap returns the reason why the sign-in did not complete.
func (e *SignInError) Unwrap() error { return e.Err }

// ErrUnattended reports that a sign-in is needed, and that no user can see where to sign in.
var ErrUnattended = errors.New("there is no terminal and no browser, and CI is set")

var errNoUser = errors.New("aws-vault cannot prompt here")

// NotConfirmedError reports that another user of this machine may have signed in, and that the user did not
// confirm the sign-in. The sign-in is not stored.
type NotConfirmedError struct {
	To, User string
	Err      error // why no prompt was possible; nil if the user answered no
}

func (e *NotConfirmedError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("signing in to %s: %s signed in, but you did not confirm that this is you", e.To, e.User)
	}
	return fmt.Sprintf("signing in to %s: %s signed in, but you did not confirm that this is you: %v", e.To, e.User, e.Err)
}

// Unwrap returns why no prompt was possible.
func (e *NotConfirmedError) Unwrap() error { return e.Err }

// confirm returns nil if the connection check proved that this user signed in. Otherwise it asks the user to
// confirm the sign-in, and returns a [*NotConfirmedError] if the user does not.
func (d *Deps) confirm(ctx context.Context, g signin.Grant, to, who string) error {
	if g.PeerVerified {
		return nil
	}
	who = printable.Text(who)
	g.ShowUser(who)
	no := &NotConfirmedError{To: to, User: who}
	if d.Confirm == nil {
		no.Err = errNoUser
		return no
	}
	yes, err := d.Confirm(ctx, fmt.Sprintf("Signed in to %s as %s. Another user of this machine could have done this. Is this you?", to, who))
	if yes && err == nil {
		return nil
	}
	no.Err = err
	return no
}

// callbackOptions returns the options of the callback server.
func (p User) callbackOptions() signin.CallbackOptions {
	return signin.CallbackOptions{Peers: p.Peers, OnRefusal: func(refusal error) {
		p.Show(fmt.Sprintf("%v. Another user of this machine may have sent this response. If you refused the sign-in, press Ctrl-C; otherwise continue to sign in", refusal))
	}}
}

// beginSignIn begins a sign-in. A lock allows only one interactive sign-in at a time, across processes. If the
// parameter unattended is true, no user can see where to sign in, and beginSignIn returns a [*SignInError] that
// wraps ErrUnattended.
func (d *Deps) beginSignIn(ctx context.Context, to string, unattended bool) (context.Context, *signInAttempt, error) {
	if d.User.Show == nil {
		return nil, nil, &SignInError{To: to, Err: errNoUser}
	}
	if unattended {
		return nil, nil, &SignInError{To: to, Err: ErrUnattended}
	}
	d.warnOfHost(to)
	ctx, lock, err := d.Tokens.Locks.Named(ctx, "sign-in", "the sign-in to "+to)
	if err != nil {
		return nil, nil, err
	}
	return ctx, &signInAttempt{deps: d, user: d.User, to: to, began: d.AWS.Clock.Local(), lock: lock}, nil
}

// An EncodedHostError reports that the host of a sign-in page has letters of other scripts, which can look like
// the letters of another host.
type EncodedHostError struct{ Host string }

func (e *EncodedHostError) Error() string {
	return "the sign-in page is at " + e.Host + ", which is encoded (punycode): in a browser, it can look like the name of another host"
}

// warnOfHost warns if a browser may show another name for the host of a sign-in page.
func (d *Deps) warnOfHost(page string) {
	if host := printable.EncodedHost(page); host != "" {
		d.warn([]error{&EncodedHostError{Host: host}})
	}
}

// signInText asks the user to sign in. It names this machine, so that the user does not approve a sign-in that
// another machine started.
func (p User) signInText(to string) string {
	if p.Hostname == "" {
		return fmt.Sprintf("sign in to %s for aws-vault", to)
	}
	return fmt.Sprintf("sign in to %s for aws-vault on %s", to, printable.Text(p.Hostname))
}

// A signInAttempt is one interactive sign-in and the pages opened for it.
type signInAttempt struct {
	deps  *Deps
	user  User
	to    string
	began time.Time
	lock  io.Closer
	pages []*browser.Page
}

// end closes the pages and releases the lock. If the user did not complete the sign-in, end wraps err in a
// [*SignInError].
func (v *signInAttempt) end(err error) error {
	for _, p := range v.pages {
		p.Close()
	}
	v.deps.debug("sign-in", "to", v.to, "took", v.deps.AWS.Clock.Local().Sub(v.began).Round(time.Second), "succeeded", err == nil)
	v.lock.Close()
	if signin.NotCompleted(err) {
		return &SignInError{To: v.to, Err: err}
	}
	return err
}

// openSignInPage opens a sign-in page on this machine. After the sign-in, the page redirects to this process.
func (v *signInAttempt) openSignInPage(to, page string) error {
	p := v.user
	page, err := v.deps.signInPage(page)
	if err != nil {
		return err
	}
	if p.OpenBrowser == nil {
		p.Show(fmt.Sprintf("%s: open %s in a browser on this machine", p.signInText(to), page))
		return nil
	}
	p.Show(fmt.Sprintf("%s in the browser that opens, or open %s", p.signInText(to), page))
	return v.openInBrowser(page)
}

// showRemotePage shows the URL of a page that the user can open on any machine.
func (p User) showRemotePage(to, page string) error {
	page = printable.URL(page)
	if err := checkPageURL(page); err != nil {
		return err
	}
	p.Show(fmt.Sprintf("%s: open %s in a browser on any machine, then copy the code from the last page", p.signInText(to), page))
	return nil
}

// showDeviceCode shows a device code and where to enter it. It opens a page with the code filled in only if the
// user can compare that code with the one in the terminal. Otherwise the user might approve an attacker's
// sign-in.
// https://www.rfc-editor.org/rfc/rfc8628#section-5.4
func (v *signInAttempt) showDeviceCode(to string, c signin.DeviceCode) error {
	p := v.user
	shown, err := v.deps.signInPage(c.URL)
	if err != nil {
		return err
	}
	p.Show(fmt.Sprintf("%s: open %s and check that the page shows the code %s, or enter this code", p.signInText(to), shown, printable.Text(c.User)))
	if p.OpenBrowser == nil {
		return nil
	}
	page := shown
	if complete, err := v.deps.signInPage(c.Complete); p.SeesOutput && err == nil {
		page = complete
	}
	return v.openInBrowser(page)
}

// openInBrowser opens a page through a local page that redirects the browser once. The page's own URL must not be
// an argument of the browser, because it contains a code or the sign-in's state, and other users can read the
// arguments. If no browser can be opened, openInBrowser only prints a note, because the user has already seen the
// URL.
func (v *signInAttempt) openInBrowser(page string) error {
	redirect, err := browser.Serve(page, browser.Choice{}, v.user.Peers)
	if err == nil {
		v.pages = append(v.pages, redirect)
		err = v.user.OpenBrowser(redirect.URL())
	}
	if err != nil {
		v.user.Show(fmt.Sprintf("cannot open a browser: %v", err))
	}
	return nil
}

// signInPage returns the URL of a sign-in page with a host in ASCII, and warns if a browser may show another name
// for the host. It accepts only the URLs of web pages, because the system's URL opener also opens files and
// programs.
func (d *Deps) signInPage(page string) (string, error) {
	page = printable.URL(page)
	if err := checkPageURL(page); err != nil {
		return "", err
	}
	d.warnOfHost(page)
	return page, nil
}

// checkPageURL accepts only the URLs of web pages.
func checkPageURL(page string) error {
	u, err := url.Parse(page)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "https" && !(u.Scheme == "http" && awsapi.IsLoopback(u.Hostname())) {
		return errors.New("the URL of the sign-in page is not a valid https URL")
	}
	return nil
}
