// Package browser opens a page in the browser that the user chose, without its address in any program's
// arguments. The caller decides which page to open.
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

// ErrNotOpened reports that no browser requested the page.
var ErrNotOpened = errors.New("no browser opened the page")

// A Page is a local page that redirects the browser once to another address. Other users of the machine can
// read the local address in the browser's arguments. On Linux, the server therefore accepts only connections
// from this user and root. On systems where the owner of a connection is unknown, the browser opens a file
// instead, which only this user can read. The file then redirects to the local page.
type Page struct {
	path     string
	target   string
	file     string // path of the file that the browser opens; empty if the browser opens the local address
	listener net.Listener
	server   *http.Server
	opened   chan struct{}
	once     sync.Once
}

// Limits for a browser's request.
const (
	maxRequest  = 16 << 10 // bytes of a request's header
	requestTime = 10 * time.Second
)

// Serve starts a server whose page redirects the chosen browser to another address. That address is the argument
// called to. The argument peers decides which connections the server accepts. The caller must close the page.
func Serve(to string, choice Choice, peers peer.Check) (*Page, error) {
	l, err := peer.Listen("tcp4", "127.0.0.1:0", peers)
	if err != nil {
		return nil, fmt.Errorf("starting a server for the browser: %w", err)
	}
	p := &Page{path: "/" + rand.Text(), target: to, listener: l, opened: make(chan struct{})}
	if !peers.CanIdentify("tcp") {
		if p.file, err = writePage(choice.pageLink(p.address())); err != nil {
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

// writePage creates a folder that only this user can enter, and writes a file there that redirects the browser to
// the given link. The link works once, and only while this process runs.
func writePage(link string) (path string, err error) {
	dir, err := os.MkdirTemp("", "aws-vault-") // creates the folder with mode 0700
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

// URL returns the address that the browser has to open. It does not contain the target address.
func (p *Page) URL() string {
	if p.file == "" {
		return p.address()
	}
	return fileURL(filepath.ToSlash(p.file))
}

func fileURL(path string) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // needed for a Windows path such as C:/
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func (p *Page) address() string { return "http://" + p.listener.Addr().String() + p.path }

// Wait returns nil after the page has redirected a browser. It returns ErrNotOpened after the timeout. If ctx ends, it
// returns the cause.
func (p *Page) Wait(ctx context.Context, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.opened:
		return nil
	case <-timer.C:
		return ErrNotOpened
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close removes the file and stops the server. Before the server stops, it sends the responses to open requests.
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

// ServeHTTP redirects the first request that has the secret path. It rejects all other requests.
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
		http.Error(w, "this page belongs to another user", http.StatusForbidden)
		return
	case r.Host != p.listener.Addr().String():
		http.Error(w, "wrong host name", http.StatusMisdirectedRequest)
		return
	case r.URL.Path != p.path:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet:
		http.Error(w, "only GET requests are allowed", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Origin") != "", mode != "" && mode != "navigate":
		http.Error(w, "this page can only be opened directly", http.StatusForbidden)
		return
	}
	first := false
	p.once.Do(func() { first = true })
	if !first {
		http.Error(w, "this page was already opened", http.StatusGone)
		return
	}
	w.Header().Set("Location", p.target)
	w.WriteHeader(http.StatusFound)
	close(p.opened)
}
