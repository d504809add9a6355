// Package browser opens a page in the browser that the user chose, without its address in any
// program's arguments. What the page is for is the caller's business.
package browser

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"aws-vault/vault/peer"
)

// ErrNotOpened is returned where no browser asked for the page that it was to open.
var ErrNotOpened = errors.New("no browser opened the page")

// A Page is an address on this machine that leads to another one, once. Other users can read
// the address among the arguments of a browser. On Linux, the page is served to this user and
// root only. Where the system does not tell users apart, the address is a file that only this
// user can read, which sends the browser on to the page.
type Page struct {
	path     string
	target   string
	file     string // empty for none
	listener net.Listener
	server   *http.Server
	opened   chan struct{}
	once     sync.Once
}

// Bounds on a request of the browser's.
const (
	maxRequest  = 16 << 10 // bytes of its header
	requestTime = 10 * time.Second
)

// Serve begins to wait for the browser of the choice, which is sent on to an address. The
// caller closes the page.
func Serve(to string, in Choice, who peer.Check) (*Page, error) {
	l, err := peer.Listen("tcp4", "127.0.0.1:0", who)
	if err != nil {
		return nil, fmt.Errorf("waiting for the browser: %w", err)
	}
	p := &Page{path: "/" + rand.Text(), target: to, listener: l, opened: make(chan struct{})}
	if !who.CanIdentify("tcp") {
		if p.file, err = writePage(in.pageLink(p.address())); err != nil {
			l.Close()
			return nil, fmt.Errorf("writing a page for the browser: %w", err)
		}
	}
	p.server = &http.Server{
		Handler: p, ConnContext: peer.ConnContext, MaxHeaderBytes: maxRequest, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: requestTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: requestTime,
	}
	go p.server.Serve(l)
	return p, nil
}

// writePage writes a page that sends the browser on, in a new folder that only this user can
// enter. The link serves once, and is of no use when this program has ended.
func writePage(link string) (path string, err error) {
	dir, err := os.MkdirTemp("", "aws-vault-") // of mode 0700
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "open.html")
	if err := os.WriteFile(path, fmt.Appendf(nil, pageText, html.EscapeString(link)), 0o600); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return path, nil
}

const pageText = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>aws-vault</title><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=%[1]s">
<p><a href="%[1]s" rel="noreferrer">Continue</a></p></html>
`

// URL is the address to open. It does not say where it leads.
func (p *Page) URL() string {
	if p.file == "" {
		return p.address()
	}
	return fileURL(filepath.ToSlash(p.file))
}

func fileURL(path string) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func (p *Page) address() string { return "http://" + p.listener.Addr().String() + p.path }

// Wait returns once a browser was sent on, ErrNotOpened if none came in that time, or the
// cause of ctx's end.
func (p *Page) Wait(ctx context.Context, timeout time.Duration) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-p.opened:
		return nil
	case <-late.C:
		return ErrNotOpened
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close removes the file and stops listening, once a browser that came has its answer.
func (p *Page) Close() error {
	if p.file != "" {
		os.RemoveAll(filepath.Dir(p.file))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		return p.server.Close()
	}
	return nil
}

// ServeHTTP sends the first browser on that was told the address, and nobody else.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Connection": "close",
	} {
		w.Header().Set(name, value)
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case peer.FromRequest(r).Check() != nil:
		http.Error(w, "this page is another user's", http.StatusForbidden)
		return
	case r.Host != p.listener.Addr().String():
		http.Error(w, "this page is not of that host", http.StatusMisdirectedRequest)
		return
	case r.URL.Path != p.path:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet:
		http.Error(w, "this page is opened by GET", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Origin") != "", mode != "" && mode != "navigate":
		http.Error(w, "this page is opened by its user", http.StatusForbidden)
		return
	}
	first := false
	p.once.Do(func() { first = true })
	if !first {
		http.Error(w, "this page was opened before", http.StatusGone)
		return
	}
	w.Header().Set("Location", p.target)
	w.WriteHeader(http.StatusFound)
	close(p.opened)
}
