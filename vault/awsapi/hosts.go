package awsapi

import (
	"crypto/fips140"
	"net/http"
	"strings"
	"sync"
	"unicode"
)

// Hosts are transports that trust the same anchors, one for each host that is called over
// TLS: what verifies a connection knows beforehand to whom it leads.
type hosts struct {
	network *Network
	anchors func() *anchors          // called when the first connection is to be encrypted
	plain   http.RoundTripper        // of what is not encrypted
	whole   func() http.RoundTripper // has crypto/tls verify by all roots

	lock sync.Mutex
	to   map[string]http.RoundTripper
}

func (n *Network) newHosts(from func() *anchors) *hosts {
	return &hosts{
		network: n, anchors: from, plain: n.transport(nil), to: map[string]http.RoundTripper{},
		whole: sync.OnceValue(func() http.RoundTripper {
			if a := from(); !a.system {
				return n.transport(a.all())
			}
			return n.transport(nil)
		}),
	}
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) { return h.choose(r).RoundTrip(r) }

// choose leaves to crypto/tls what the anchors do not decide: a proxy that is itself spoken
// to over TLS is another host, in FIPS 140-3 mode not every chain that x509 finds will do,
// and a name that is not ASCII is written otherwise in a certificate.
func (h *hosts) choose(r *http.Request) http.RoundTripper {
	name := r.URL.Hostname()
	via, err := h.network.proxy(r)
	switch {
	case err != nil, via != nil && via.Scheme == "https":
		return h.whole()
	case r.URL.Scheme != "https":
		return h.plain
	case fips140.Enabled(), !isASCII(name):
		return h.whole()
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.to[name] == nil {
		t := h.network.transport(nil)
		t.TLSClientConfig = h.anchors().config(name)
		h.to[name] = t
	}
	return h.to[name]
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
