// Package server serves credentials over HTTP, as a container endpoint or as the metadata service of EC2. Its
// callers create the credentials.
package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"aws-vault/vault/peer"
)

// A Server serves requests on one listener. It remains available to its user even if other programs on the machine
// send invalid requests or open many connections.
type Server struct {
	Handler     http.Handler
	Clock       Clock
	Connections int           // maximum number of open connections; 0 means 512
	Grace       time.Duration // time for requests in progress when the server stops; 0 means two seconds
}

// These limits apply to each request. A request from an SDK has no body and a few hundred bytes of headers. The path
// of the request can contain a role's ARN, which has at most 2048 characters.
const (
	headerTime = 5 * time.Second
	answerTime = 3 * time.Minute // enough for a chain of roles: each role needs a call that has its own timeout
	idleTime   = 2 * time.Minute
	headerSize = 8 << 10 // net/http adds 4 kB to this value
)

// Serve serves requests until ctx ends. It then closes the listener, and waits until the requests in progress are
// completed, but not longer than the time Grace. Serve then returns nil. The listener's connections must be of type
// [*peer.Conn].
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	limited := newLimitedListener(l, cmp.Or(s.Connections, 512), s.Clock)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	h := &http.Server{
		Handler: rejectBodies(s.Handler), Protocols: protocols, DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: headerSize, ConnContext: peer.ConnContext, ConnState: limited.trackState,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), // no log, because it would quote untrusted input
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace())
		defer cancel()
		limited.shutDown()
		if h.Shutdown(grace) != nil {
			h.Close()
		}
	})
	err := h.Serve(limited)
	if !stop() {
		<-stopped
		return nil
	}
	limited.shutDown()
	h.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// rejectBodies makes each attempt to read a request's body fail at once. So the handler next can refuse a request
// with a body without waiting for the body.
func rejectBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			// The deadline is in the past, so reading the body fails at once.
			http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) grace() time.Duration {
	if s.Grace == 0 {
		return 2 * time.Second
	}
	return s.Grace
}
