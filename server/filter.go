package server

import (
	"net/http"
	"slices"
	"strings"

	"aws-vault/vault/peer"
)

// A Guard refuses what no SDK sends: other methods, bodies, the names of other hosts, which
// a page in a browser comes with after DNS rebinding, and headers that a browser or a proxy
// adds. It also refuses the connections that the check of package peer refuses.
type Filter struct {
	Hosts []string // as in the Host header, in lower case
}

// check returns why a request is turned away, or nil.
func (g *Filter) check(r *http.Request, methods ...string) *Refusal {
	if !slices.Contains(methods, r.Method) {
		return &Refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "method " + quoted(r.Method) + ", want " + strings.Join(methods, " or ")}
	}
	if r.ContentLength != 0 {
		return &Refusal{http.StatusBadRequest, "BodyNotAllowed", "the request has a body, want none"}
	}
	if !slices.Contains(g.Hosts, r.Host) && !slices.Contains(g.Hosts, strings.ToLower(r.Host)) {
		return &Refusal{http.StatusForbidden, "HostNotAllowed", "host " + quoted(r.Host) + " is not this server's"}
	}
	for name := range r.Header {
		if isForwarded(name) {
			return &Refusal{http.StatusForbidden, "HeaderNotAllowed", "the request has a header " + quoted(name) + ", which browsers and proxies set"}
		}
	}
	if err := peer.FromRequest(r).Check(); err != nil {
		return &Refusal{http.StatusForbidden, "PeerNotAllowed", err.Error()}
	}
	return nil
}

// Wrap lets through to next what SDKs send, and answers all else as ECS does.
func (g *Filter) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if no := g.check(r, http.MethodGet, http.MethodHead); no != nil {
			Refuse(w, *no)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isForwarded reports whether a header says that somebody else is behind a request.
func isForwarded(name string) bool {
	switch name {
	case "Origin", "Referer", "Forwarded", "Via", "Cookie":
		return true
	}
	return strings.HasPrefix(name, "Sec-Fetch-") || strings.HasPrefix(name, "X-Forwarded-")
}

// quoted shortens what a stranger says.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' {
			return '?'
		}
		return r
	}, s)
}
