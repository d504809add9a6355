package profile

import (
	"errors"
	"strings"
	"testing"
)

func TestWithIdentity(t *testing.T) {
	const before = "\ufeff; mine\r\n[profile a]\r\nregion = eu-west-1 # here\r\ns3 =\r\n  max_queue_size = 1\r\n"
	settings := []Setting{{"identity_issuer", "https://id.example.com/alice"}, {"identity_subject", "alice@example.com"}}
	for name, header := range map[string]string{"alice": "[identity alice]", "al ice": `[identity "al ice"]`} {
		text, err := WithIdentity(config(t, before), name, settings)
		if err != nil {
			t.Fatal(err)
		}
		want := before + "\r\n" + header + "\r\nidentity_issuer = https://id.example.com/alice\r\nidentity_subject = alice@example.com\r\n"
		if string(text) != want {
			t.Errorf("wrote %q, want %q", text, want)
		}
		f := config(t, string(text)+"[profile p]\nidentity = "+name+"\nrole_arn = arn:aws:iam::123456789012:role/a\n")
		p := resolve(t, f, "p", Inputs{})
		if p.Text("identity_subject") != "alice@example.com" || p.Text("identity_issuer") != "https://id.example.com/alice" || f.Identities()[0] != name {
			t.Errorf("read back as %q of %q", p.Text("identity_subject"), f.Identities())
		}
		var there *ExistsError
		if _, err := WithIdentity(f, name, settings); !errors.As(err, &there) || there.Origin.Line != 7 {
			t.Errorf("writing an existing identity: got %v", err)
		}
	}
	for _, bad := range [][]Setting{{{"identity_issuer", "http://id.example.com"}}, {{"identity_subject", "a b"}}, {{"nothing", "x"}}} {
		var refused *ValueError
		if _, err := WithIdentity(config(t, ""), "a", bad); !errors.As(err, &refused) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
	if _, err := WithIdentity(config(t, ""), "a]", settings); err == nil || !strings.Contains(err.Error(), "expected a profile name") {
		t.Errorf("a name that is not valid in a header: got %v", err)
	}
}
