// Package server serves credentials over HTTP, as a container endpoint or as the metadata service
// of EC2. Who creates the credentials is left to its
// callers.
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

// A Server answers on one listener. It is meant to stay available to its user whatever
// other programs on the machine send.
type Server struct {
	Handler     http.Handler
	Clock       Clock
	Connections int           // at a time; 0 for 512. Idle ones give way to new ones
	Grace       time.Duration // for what is being answered when the end comes; 0 for two seconds
}

// The limits of a request: an SDK's has a header of a few hundred bytes, at most a role's
// ARN of 2,048 in its path, and no body.
const (
	headerTime = 5 * time.Second
	answerTime = 3 * time.Minute // countingRoles are made one on top of the other, each within a timeout of its own
	idleTime   = 2 * time.Minute
	headerSize = 8 << 10 // net/http adds 4 kB
)

// Serve answers until ctx ends, and then lets those finish who are being answered. It
// closes the listener, whose connections are those of package peer. What it returns is nil
// after the end of ctx.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	gate := newLimitedListener(l, orElse(s.Connections, 512), s.Clock)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	h := &http.Server{
		Handler: rejectBodies(s.Handler), Protocols: protocols, DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: headerSize, ConnContext: peer.ConnContext, ConnState: gate.trackState,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), // it would quote strangers
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace())
		defer cancel()
		gate.shutDown()
		if h.Shutdown(grace) != nil {
			h.Close()
		}
	})
	err := h.Serve(gate)
	if !stop() {
		<-stopped
		return nil
	}
	gate.shutDown()
	h.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// rejectBodies lets a request with a body be refused without waiting for its body.
func rejectBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // long over; without it the body is waited for
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
