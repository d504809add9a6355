package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/peer"
	"aws-vault/vault/signin"
	"aws-vault/vault/signin/browser"
)

// A Person is whoever signs in, and how they are reached.
type User struct {
	OpenBrowser func(url string) error // opens a page on this machine; nil where nothing can, or nothing should
	Show        func(message string)   // respond where to sign in, and with what code
	UseDevice   bool                   // signs in with a code that they type, not with a browser of this machine
	Remote      bool                   // a browser that this machine opens would not come before them
	SeesOutput  bool                   // what Show says is before their eyes when a page opens
	Hostname    string                 // this machine's name; may be empty
	Peers       peer.Check             // which programs may be the person's browser

	AskCode func(context.Context) (string, error) // asks for the code that a page shows; nil where nobody can be asked
}

// SignInError is returned where a person was to sign in and has not. What it wraps says
// why; see package signin.
type SignInError struct {
	To   string // atOrigin
	Err  error
	OIDC bool // that is an OpenID provider
}

func (e *SignInError) Error() string { return fmt.Sprintf("signing in to %s: %v", e.To, e.Err) }

// Unwrap returns why.
func (e *SignInError) Unwrap() error { return e.Err }

var errNoUser = errors.New("there is no way to reach a person")

// NotConfirmedError is returned if any user of this machine can have answered a sign-in, and the
// user did not confirm who has signed in. Nothing is kept of that sign-in.
type NotConfirmedError struct {
	To, User string
	Err      error // why the user could not be asked; nil if the answer was no
}

func (e *NotConfirmedError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("signing in to %s: %s has signed in, and you did not confirm that this is you", e.To, e.User)
	}
	return fmt.Sprintf("signing in to %s: %s has signed in, and you could not be asked whether this is you: %v", e.To, e.User, e.Err)
}

// Unwrap returns why the user could not be asked.
func (e *NotConfirmedError) Unwrap() error { return e.Err }

// confirm returns nil if it is certain that this user has signed in, or if the user confirms it.
func (d *Deps) confirm(ctx context.Context, g signin.Grant, to, who string) error {
	if g.PeerVerified {
		return nil
	}
	who = printable(who)
	g.ShowUser(who)
	no := &NotConfirmedError{To: to, User: who}
	if d.Confirm == nil {
		no.Err = errNoUser
		return no
	}
	yes, err := d.Confirm(ctx, fmt.Sprintf("Any user of this machine can have answered. Signed in to %s as %s. Is this you?", to, who))
	if yes && err == nil {
		return nil
	}
	no.Err = err
	return no
}

// callbackOptions is where a browser brings its answer.
func (p User) callbackOptions() signin.CallbackOptions {
	return signin.CallbackOptions{Peers: p.Peers, OnRefusal: func(refusal error) {
		p.Show(fmt.Sprintf("%v. Any user of this machine can have sent that: sign in as before, or press Ctrl-C if it was you", refusal))
	}}
}

// beginSignIn begins a sign-in. There is one at a time before a person, across processes.
func (d *Deps) beginSignIn(ctx context.Context, to string) (context.Context, *signInAttempt, error) {
	if d.User.Show == nil {
		return nil, nil, &SignInError{To: to, Err: errNoUser}
	}
	ctx, lock, err := d.Tokens.Locks.Named(ctx, "sign-in", "the sign-in to "+to)
	if err != nil {
		return nil, nil, err
	}
	return ctx, &signInAttempt{deps: d, user: d.User, to: to, began: d.AWS.Clock.Local(), lock: lock}, nil
}

// signInText says for whom a sign-in is, so that nobody answers another machine's.
func (p User) signInText(to string) string {
	if p.Hostname == "" {
		return fmt.Sprintf("sign in to %s for aws-vault", to)
	}
	return fmt.Sprintf("sign in to %s for aws-vault on %s", to, printable(p.Hostname))
}

// A visit is one sign-in of a person, with the pages that were opened for it.
type signInAttempt struct {
	deps  *Deps
	user  User
	to    string
	began time.Time
	lock  io.Closer
	pages []*browser.Page
}

// end closes what was opened for a sign-in, before this process can become another one. It returns what the error
// that the sign-in has come to means for the user.
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

// openSignInPage brings a person to a page that sends their browser back here.
func (v *signInAttempt) openSignInPage(to, page string) error {
	p := v.user
	if err := checkPageURL(page); err != nil {
		return err
	}
	if p.OpenBrowser == nil {
		p.Show(fmt.Sprintf("%s: open %s with a browser on this machine", p.signInText(to), page))
		return nil
	}
	p.Show(fmt.Sprintf("%s in the browser that opens, or open %s", p.signInText(to), page))
	return v.openInBrowser(page)
}

// showRemotePage brings a person to a page that they may open anywhere.
func (p User) showRemotePage(to, page string) error {
	if err := checkPageURL(page); err != nil {
		return err
	}
	p.Show(fmt.Sprintf("%s: open %s with a browser on any machine, and copy the code that it shows in the end", p.signInText(to), page))
	return nil
}

// showDeviceCode shows a code, and where it is typed. A page with the code filled in is opened
// only before someone who can compare it with what they read here: else they would let
// in whoever had them open it.
// https://www.rfc-editor.org/rfc/rfc8628#section-5.4
func (v *signInAttempt) showDeviceCode(to string, c signin.DeviceCode) error {
	p := v.user
	if err := checkPageURL(c.URL); err != nil {
		return err
	}
	p.Show(fmt.Sprintf("%s: open %s and see that it shows the code %s, or enter it", p.signInText(to), c.URL, printable(c.User)))
	if p.OpenBrowser == nil {
		return nil
	}
	page := c.URL
	if p.SeesOutput && checkPageURL(c.Complete) == nil {
		page = c.Complete
	}
	return v.openInBrowser(page)
}

// openInBrowser opens a page, by way of one that leads there once: a page's address has the state of
// the sign-in or a code in it, and other users can read a browser's arguments. An error is
// shown only, since the address was shown before.
func (v *signInAttempt) openInBrowser(page string) error {
	lead, err := browser.Serve(page, browser.Choice{}, v.user.Peers)
	if err == nil {
		v.pages = append(v.pages, lead)
		err = v.user.OpenBrowser(lead.URL())
	}
	if err != nil {
		v.user.Show(fmt.Sprintf("no browser could be opened: %v", err))
	}
	return nil
}

// checkPageURL refuses to open what is no page: a browser's opener opens files and programs
// too.
func checkPageURL(page string) error {
	u, err := url.Parse(page)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "https" && !(u.Scheme == "http" && awsapi.IsLoopback(u.Hostname())) {
		return errors.New("the sign-in page has an address that is not https")
	}
	return nil
}

// printable makes one line of a text that another machine gave.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
