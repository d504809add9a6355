// Package browser opens a page in a browser of the user's choice, so that no program's
// arguments hold where it leads. What the page is for is the caller's business.
package browser

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"aws-vault/vault/peer"
)

// ErrNobodyCame is returned where no browser asked for the page that it was to open.
var ErrNobodyCame = errors.New("no browser opened the page")

// A Page is an address on this machine that leads to another one, once. Other users may
// see it among the arguments of a browser; by then it leads nowhere.
type Page struct {
	path     string
	to       string
	listener net.Listener
	server   *http.Server
	came     chan struct{}
	once     sync.Once
}

// Bounds on a request of the browser's.
const (
	maxRequest  = 16 << 10 // bytes of its header
	requestTime = 10 * time.Second
)

// Lead begins to wait for the browser that is to be sent on, which has to be a program that
// the check accepts. The caller closes it.
func Lead(to string, who peer.Check) (*Page, error) {
	l, err := peer.Listen("tcp4", "127.0.0.1:0", who)
	if err != nil {
		return nil, fmt.Errorf("waiting for the browser: %w", err)
	}
	p := &Page{path: "/" + rand.Text(), to: to, listener: l, came: make(chan struct{})}
	p.server = &http.Server{
		Handler: p, ConnContext: peer.Context, MaxHeaderBytes: maxRequest, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: requestTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: requestTime,
	}
	go p.server.Serve(l)
	return p, nil
}

// URL is the address to open. It tells nothing of where it leads.
func (p *Page) URL() string { return "http://" + p.listener.Addr().String() + p.path }

// Wait returns once a browser was sent on, ErrNobodyCame if none came in that time, or the
// cause of ctx's end.
func (p *Page) Wait(ctx context.Context, patience time.Duration) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.came:
		return nil
	case <-late.C:
		return ErrNobodyCame
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close stops listening, once a browser that came has its answer.
func (p *Page) Close() error {
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
	case peer.Of(r).Check() != nil:
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
	w.Header().Set("Location", p.to)
	w.WriteHeader(http.StatusFound)
	close(p.came)
}
