package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"aws-vault/vault/peer"
)

// CallbackPath is where a browser brings the answer to. AWS takes this path alone.
const CallbackPath = "/oauth/callback"

// A Callback waits on 127.0.0.1 for the one answer that a browser brings back from a
// sign-in. All other requests are refused, and change nothing.
type Callback struct {
	state    string
	options  CallbackOptions
	listener net.Listener
	server   *http.Server
	answers  chan Answer
	once     sync.Once
	ended    chan struct{}

	mu      sync.Mutex
	refusal error // that nobody can prove to come from this user
}

// An Answer is what a browser has brought.
type Answer struct {
	Code         string
	PeerVerified bool // this user's browser has brought it, or root's
	err          error
	user         chan string // is shown to the browser
}

// Bounds on a request of the browser's.
const (
	maxRequest  = 16 << 10 // bytes of its header, the address included
	requestTime = 10 * time.Second
)

// A Return is where a browser is to bring its answer, and whose that has to be.
type CallbackOptions struct {
	Peers  peer.Check // user may bring it
	Ports  []int      // the first that is free
	Issuer string     // which the answer names, https://www.rfc-editor.org/rfc/rfc9207; empty for one that need not

	// OnRefusal is called once if an answer reports a refusal and it is not known whose it is. The
	// wait goes on. Nil tells nobody.
	OnRefusal func(refusal error)
}

// PortsError is returned where none of the ports is free that an answer may be brought to.
type PortsError struct {
	Ports []int
	Err   error // of the last one
}

func (e *PortsError) Error() string {
	return fmt.Sprintf("waiting for the browser's answer: none of the ports %d is free: %v", e.Ports, e.Err)
}

// Unwrap returns what the system said.
func (e *PortsError) Unwrap() error { return e.Err }

func (r CallbackOptions) listen() (net.Listener, error) {
	ports := r.Ports
	if len(ports) == 0 {
		ports = []int{0}
	}
	e := &PortsError{Ports: ports}
	for _, port := range ports {
		var l *peer.Listener
		if l, e.Err = peer.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), r.Peers); e.Err == nil {
			return l, nil
		}
	}
	return nil, e
}

// Listen begins to wait for the answer that carries the state, which nobody else can
// know. It fails with a [*PortsError]. The caller closes it.
func Listen(state string, at CallbackOptions) (*Callback, error) {
	l, err := at.listen()
	if err != nil {
		return nil, err
	}
	c := &Callback{state: state, options: at, listener: l, answers: make(chan Answer, 1), ended: make(chan struct{})}
	c.server = &http.Server{
		Handler: c, ConnContext: peer.ConnContext, MaxHeaderBytes: maxRequest,
		ReadHeaderTimeout: requestTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: requestTime,
		ErrorLog: discardLogger(),
	}
	go c.server.Serve(l)
	return c, nil
}

// Redirect is where the browser is to be sent back to.
func (c *Callback) Redirect() string { return "http://" + c.listener.Addr().String() + CallbackPath }

// Wait returns the answer that has a code, ErrDenied or a [*RefusedError] for another
// answer, or the cause of ctx's end. A refusal that any user can have sent does not end the
// wait, and is in the error only if nothing else comes.
func (c *Callback) Wait(ctx context.Context) (Answer, error) {
	select {
	case a := <-c.answers:
		return a, a.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal != nil {
		return Answer{}, fmt.Errorf("%w; before, %w", context.Cause(ctx), c.refusal)
	}
	return Answer{}, context.Cause(ctx)
}

// Close stops listening, once an answer that came has been acknowledged.
func (c *Callback) Close() error {
	close(c.ended)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.server.Shutdown(ctx); err != nil {
		return c.server.Close()
	}
	return nil
}

// ServeHTTP takes the answer from a browser that was sent here, and from nothing else.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", "Connection": "close",
	} {
		w.Header().Set(name, value)
	}
	if status, why := c.rejection(r); status != 0 {
		writePage(w, status, "This is not an answer to a sign-in", why)
		return
	}
	q := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.state)) != 1 {
		writePage(w, http.StatusBadRequest, "This is the answer to another sign-in", "aws-vault goes on waiting for its own.")
		return
	}
	a := Answer{
		Code: q.Get("code"), PeerVerified: peer.FromRequest(r).OwnerKnown(), user: make(chan string, 1),
		err: refusal(q.Get("error"), q.Get("error_description")),
	}
	if c.options.Issuer != "" && q.Get("iss") != c.options.Issuer {
		a.err = &RefusedError{Code: "as another provider", Description: oneLine(q.Get("iss"))}
	}
	if a.Code == "" && a.err == nil {
		a.err = &RefusedError{Code: "nothing"}
	}
	if a.err != nil && !a.PeerVerified {
		c.recordRefusal(a.err)
		writePage(w, http.StatusOK, "You are not signed in", "aws-vault was told that the sign-in was refused. It goes on waiting, since any user of this machine can send that. If it was you, press Ctrl-C in your terminal.")
		return
	}
	first := false
	c.once.Do(func() { c.answers <- a; first = true })
	switch {
	case !first:
		writePage(w, http.StatusGone, "This sign-in was answered before", "You can close this page.")
	case a.err != nil:
		writePage(w, http.StatusOK, "You are not signed in", "aws-vault was told that the sign-in was refused. You can close this page; your terminal says more.")
	case !a.PeerVerified:
		c.showUser(w, a)
	default:
		writePage(w, http.StatusOK, "Go back to your terminal", "aws-vault has the answer and goes on there. You can close this page.")
	}
}

// recordRefusal keeps the first refusal that any user can have sent.
func (c *Callback) recordRefusal(refusal error) {
	c.mu.Lock()
	first := c.refusal == nil
	if first {
		c.refusal = refusal
	}
	c.mu.Unlock()
	if first && c.options.OnRefusal != nil {
		c.options.OnRefusal(refusal)
	}
}

// showUser shows the browser who has signed in, once that is known.
func (c *Callback) showUser(w http.ResponseWriter, a Answer) {
	http.NewResponseController(w).SetWriteDeadline(time.Time{}) // this takes calls to the provider; Close ends it
	who := ""
	select {
	case who = <-a.user:
	case <-c.ended:
		select {
		case who = <-a.user: // it was told just before the end
		default:
		}
	}
	if who == "" {
		writePage(w, http.StatusOK, "You are not signed in", "Your terminal says why. You can close this page.")
		return
	}
	writePage(w, http.StatusOK, "Confirm this in your terminal", "Signed in as "+who+". aws-vault keeps the sign-in only after you have confirmed in the terminal that this is you.")
}

// rejection says why a request cannot come from a browser that was sent here to answer.
func (c *Callback) rejection(r *http.Request) (status int, why string) {
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case peer.FromRequest(r).Check() != nil:
		return http.StatusForbidden, "It came from another user of this machine."
	case r.Host != c.listener.Addr().String():
		return http.StatusMisdirectedRequest, "It came to another host."
	case r.URL.Path != CallbackPath:
		return http.StatusNotFound, "There is nothing here."
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "It was not asked for by GET."
	case r.Header.Get("Origin") != "", mode != "" && mode != "navigate":
		return http.StatusForbidden, "A page asked for it that is not the one you see."
	}
	return 0, ""
}

// refusal turns an answer's error into one of ours; nil for none.
func refusal(code, description string) error {
	switch code {
	case "":
		return nil
	case "access_denied":
		return ErrDenied
	}
	return &RefusedError{Code: oneLine(code), Description: oneLine(description)}
}

// maxText is how much is shown of what a page says, in bytes.
const maxText = 200

func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}

// errNoAnswer is the cause of a wait that nobody has ended in time.
var errNoAnswer error = noAnswerError{}

type noAnswerError struct{}

func (noAnswerError) Error() string {
	return fmt.Sprintf("%v: there was no answer within %s", ErrTimeout, Timeout)
}

func (noAnswerError) Unwrap() error { return ErrTimeout }

// NotCompleted reports whether an error says that a sign-in ended because its person refused it
// or did not answer.
func NotCompleted(err error) bool { return errors.Is(err, ErrDenied) || errors.Is(err, ErrTimeout) }

// pageTemplate is what a browser shows when it has brought its answer. It loads nothing.
const pageTemplate = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>aws-vault</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>%s</h1><p>%s</p></html>
`

// writePage sends a page. Nothing that the request says is repeated.
func writePage(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, pageTemplate, html.EscapeString(title), html.EscapeString(text))
}

// discardLogger keeps what a stranger's request does wrong off the user's terminal.
func discardLogger() *log.Logger { return log.New(io.Discard, "", 0) }
