// Package server serves credentials over HTTP, as a container endpoint or as the metadata service of EC2. Its
// callers create the credentials.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"aws-vault/vault/peer"
)

// A Server serves one listener. It is designed to remain available to its user, whatever other programs on
// the machine send.
type Server struct {
	Handler     http.Handler
	Clock       Clock
	Connections int           // maximum number of connections; 0 means 512
	Grace       time.Duration // time to finish requests at the end; 0 means two seconds
}

// Limits of a request. A request of an SDK has a few hundred bytes of headers, a path with at most a role ARN
// of 2048 characters, and no body.
const (
	headerTime = 5 * time.Second
	answerTime = 3 * time.Minute // a chain of roles takes several calls, each with its own timeout
	idleTime   = 2 * time.Minute
	headerSize = 8 << 10 // net/http adds 4 kB
)

// Serve serves requests until ctx ends, then finishes the current requests and returns nil. It closes the
// listener. The listener's connections must be of type [*peer.Conn].
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	limited := newLimitedListener(l, orElse(s.Connections, 512), s.Clock)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	h := &http.Server{
		Handler: rejectBodies(s.Handler), Protocols: protocols, DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: headerSize, ConnContext: peer.ConnContext, ConnState: limited.trackState,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), // the log would quote untrusted input
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

// rejectBodies lets the handler refuse a request with a body without waiting for the body.
func rejectBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			// With a deadline in the past, the server does not wait for the body.
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
