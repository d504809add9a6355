package server

import (
	"net/http"
	"time"

	"aws-vault/vault/peer"
)

// A Handout is one set of credentials that is given to somebody.
type Handout struct {
	Profile string
	Role    string // the ARN of a role that was asked for; empty for the profile itself
	Peer    peer.Process
	Expires time.Time
}

// writeDown tells an audit, if there is one, what a request is about to be given, and returns
// why it is not given.
func writeDown(audit func(Handout) error, r *http.Request, h Handout) *Refusal {
	if audit == nil || r.Method == http.MethodHead {
		return nil
	}
	h.Peer = peer.Of(r).Process()
	if err := audit(h); err != nil {
		return &Refusal{http.StatusInternalServerError, "AuditFailed", "credentials are handed out only where that can be written down: " + err.Error()}
	}
	return nil
}
