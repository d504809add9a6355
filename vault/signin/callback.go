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

	"aws-vault/vault/peer"
	"aws-vault/vault/printable"
)

// CallbackPath is the path that the browser is redirected to after a sign-in. AWS accepts no other path.
const CallbackPath = "/oauth/callback"

// A Callback is a server on 127.0.0.1 that waits for the redirect at the end of a browser sign-in. It rejects all
// other requests and keeps waiting.
type Callback struct {
	state    string
	options  CallbackOptions
	listener net.Listener
	server   *http.Server
	answers  chan Answer
	once     sync.Once
	ended    chan struct{}

	mu      sync.Mutex
	refusal error // first refusal that arrived from a connection whose owner is unknown
}

// An Answer contains the parameters of the browser's redirect.
type Answer struct {
	Code         string
	PeerVerified bool // whether the connection belongs to this user or root
	err          error
	user         chan string // receives the name to show in the browser
}

// Limits for a browser's request.
const (
	maxRequest  = 16 << 10 // bytes of a request's header, including the URL
	requestTime = 10 * time.Second
)

// CallbackOptions says where a Callback listens and which requests it accepts.
type CallbackOptions struct {
	Peers  peer.Check // decides which users' connections are accepted
	Ports  []int      // ports to try, in order; if empty, any free port is used
	Issuer string     // issuer that the redirect must name (https://www.rfc-editor.org/rfc/rfc9207); empty if the provider does not send its issuer

	// OnRefusal is called for the first refusal over a connection whose owner is unknown. The server keeps waiting,
	// because another user may have sent the refusal. OnRefusal may be nil.
	OnRefusal func(refusal error)
}

// PortsError reports that none of the allowed callback ports is free.
type PortsError struct {
	Ports []int
	Err   error // error of the last port that was tried
}

func (e *PortsError) Error() string {
	return fmt.Sprintf("starting a server for the browser's response: none of the ports %d is free: %v", e.Ports, e.Err)
}

// Unwrap returns the operating system's error.
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

// Listen starts a Callback that accepts only a redirect with this state, which is secret. Listen returns a
// [*PortsError] if no port is free. The caller must close the Callback.
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

// Redirect returns the redirect URI.
func (c *Callback) Redirect() string { return "http://" + c.listener.Addr().String() + CallbackPath }

// Wait waits for the redirect and returns its authorization code. If the redirect has no code, Wait returns
// ErrDenied, a [*RefusedError] or another error. It returns an [*OtherIssuerError] if the redirect names another
// issuer. If ctx ends, Wait returns the cause. A refusal over a connection whose owner is unknown does not end the
// wait. If there was such a refusal, Wait adds it to the cause.
func (c *Callback) Wait(ctx context.Context) (Answer, error) {
	select {
	case a := <-c.answers:
		return a, a.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal != nil {
		return Answer{}, fmt.Errorf("%w; an earlier response reported: %w", context.Cause(ctx), c.refusal)
	}
	return Answer{}, context.Cause(ctx)
}

// Close stops the server after it has sent the responses to open requests.
func (c *Callback) Close() error {
	close(c.ended)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.server.Shutdown(ctx); err != nil {
		return c.server.Close()
	}
	return nil
}

// ServeHTTP accepts the redirect of a browser and rejects all other requests.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", "Connection": "close",
	} {
		w.Header().Set(name, value)
	}
	if status, reason := c.rejection(r); status != 0 {
		writePage(w, status, "This request is not part of a sign-in", reason)
		return
	}
	q := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.state)) != 1 {
		writePage(w, http.StatusBadRequest, "This page belongs to another sign-in", "aws-vault is still waiting for the current sign-in.")
		return
	}
	a := Answer{
		Code: q.Get("code"), PeerVerified: peer.FromRequest(r).OwnerKnown(), user: make(chan string, 1),
		err: refusal(q.Get("error"), q.Get("error_description")),
	}
	if c.options.Issuer != "" && q.Get("iss") != c.options.Issuer {
		a.err = &OtherIssuerError{Found: oneLine(q.Get("iss")), Want: c.options.Issuer}
	}
	if a.Code == "" && a.err == nil {
		a.err = errNoCode
	}
	if a.err != nil && !a.PeerVerified {
		c.recordRefusal(a.err)
		writePage(w, http.StatusOK, "You are not signed in", "The sign-in was refused. aws-vault keeps waiting, because another user of this machine may have sent this response. If you refused the sign-in, press Ctrl-C in your terminal.")
		return
	}
	first := false
	c.once.Do(func() { c.answers <- a; first = true })
	switch {
	case !first:
		writePage(w, http.StatusGone, "This sign-in is already complete", "You can close this page.")
	case a.err != nil:
		writePage(w, http.StatusOK, "You are not signed in", "The sign-in was refused. Your terminal shows details. You can close this page.")
	case !a.PeerVerified:
		c.showUser(w, a)
	default:
		writePage(w, http.StatusOK, "Go back to your terminal", "The sign-in continues there. You can close this page.")
	}
}

// recordRefusal stores the first refusal from a connection whose owner is unknown.
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

// showUser waits until it is known who has signed in, and then shows that name in the browser.
func (c *Callback) showUser(w http.ResponseWriter, a Answer) {
	http.NewResponseController(w).SetWriteDeadline(time.Time{}) // no deadline, because showUser waits
	who := ""
	select {
	case who = <-a.user:
	case <-c.ended:
		select {
		case who = <-a.user: // the name arrived just before Close
		default:
		}
	}
	if who == "" {
		writePage(w, http.StatusOK, "You are not signed in", "Your terminal shows the reason. You can close this page.")
		return
	}
	writePage(w, http.StatusOK, "Confirm this in your terminal", "Signed in as "+who+". aws-vault stores the sign-in only after you confirm in the terminal that this is you.")
}

// rejection checks whether a request can be the browser's redirect. If it cannot, rejection returns an HTTP status
// and a reason. Otherwise the status is 0.
func (c *Callback) rejection(r *http.Request) (status int, reason string) {
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case peer.FromRequest(r).Check() != nil:
		return http.StatusForbidden, "The request came from another user of this machine."
	case r.Host != c.listener.Addr().String():
		return http.StatusMisdirectedRequest, "The request has the wrong host name."
	case r.URL.Path != CallbackPath:
		return http.StatusNotFound, "Page not found."
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "Only GET requests are allowed."
	case r.Header.Get("Origin") != "", mode != "" && mode != "navigate":
		return http.StatusForbidden, "Another web page sent the request."
	}
	return 0, ""
}

// refusal returns the error for the "error" parameter of a redirect. The argument code is the value of that
// parameter. If it is empty, refusal returns nil.
func refusal(code, description string) error {
	switch code {
	case "":
		return nil
	case "access_denied":
		return ErrDenied
	}
	return &RefusedError{Code: oneLine(code), Description: oneLine(description)}
}

// maxText is the maximum length, in bytes, of a text that a sign-in page returns and aws-vault shows.
const maxText = 200

func oneLine(text string) string {
	text = printable.Line(strings.Join(strings.Fields(text), " "))
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}

// errNoAnswer is the cause when a wait ends because it took longer than Timeout.
var errNoAnswer error = noAnswerError{}

type noAnswerError struct{}

func (noAnswerError) Error() string {
	return fmt.Sprintf("%v: no response within %s", ErrTimeout, Timeout)
}

func (noAnswerError) Unwrap() error { return ErrTimeout }

// NotCompleted reports whether err means that the user refused the sign-in or did not finish it in time.
func NotCompleted(err error) bool { return errors.Is(err, ErrDenied) || errors.Is(err, ErrTimeout) }

// pageTemplate is the page that the browser shows after the redirect. It loads no other files.
const pageTemplate = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>aws-vault</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>%s</h1><p>%s</p></html>
`

// writePage sends a page. It must not repeat anything from the request.
func writePage(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, pageTemplate, html.EscapeString(title), html.EscapeString(text))
}

// discardLogger returns a logger that discards the HTTP server's messages. Otherwise invalid requests would print
// messages in the user's terminal.
func discardLogger() *log.Logger { return log.New(io.Discard, "", 0) }
