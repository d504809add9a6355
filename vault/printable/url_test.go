package printable

import "testing"

// TestURL checks how hosts are encoded, and which hosts are reported.
func TestURL(t *testing.T) {
	for s, want := range map[string]struct {
		url, encoded string
	}{
		"https://\u0430ws.amazon.com/start":     {"https://xn--ws-6kc.amazon.com/start", "xn--ws-6kc.amazon.com"}, // a Cyrillic letter
		"https://CORP.\u0430wsapps.com:8443/?x": {"https://CORP.xn--wsapps-2nf.com:8443/?x", "CORP.xn--wsapps-2nf.com"},
		"https://xn--ws-6kc.amazon.com":         {"https://xn--ws-6kc.amazon.com", "xn--ws-6kc.amazon.com"},
		"https://corp.awsapps.com/start#/":      {"https://corp.awsapps.com/start#/", ""},
		"https://[::1]:8080/a":                  {"https://[::1]:8080/a", ""},
		"https://id.example.com/\u0430":         {"https://id.example.com/\u0430", ""},
		"\u0430ws":                              {"\u0430ws", ""},
		"https://a b":                           {"https://a b", ""},
		"":                                      {"", ""},
	} {
		if got := URL(s); got != want.url || EncodedHost(s) != want.encoded {
			t.Errorf("URL(%+q) = %q, encoded host %q, want %q, %q", s, got, EncodedHost(s), want.url, want.encoded)
		}
	}
}
