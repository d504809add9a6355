package signin

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
)

func TestPaste(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	for _, c := range []struct {
		name string
		text func(state string) string
		want error
	}{
		{"whole", func(s string) string { return " " + encode([]byte("state="+s+"&code=EXAMPLE-code")) + "\n" }, nil},
		{"without padding", func(s string) string {
			return base64.RawStdEncoding.EncodeToString([]byte("code=EXAMPLE-code&state=" + s))
		}, nil},
		{"another sign-in's", func(string) string { return encode([]byte("state=another&code=EXAMPLE-code")) }, ErrNotPasted},
		{"no code", func(s string) string { return encode([]byte("state=" + s)) }, ErrNotPasted},
		{"no query", func(string) string { return encode([]byte("%zz")) }, ErrNotPasted},
		{"something else", func(string) string { return "https://example.com/" }, ErrNotPasted},
		{"nothing", func(string) string { return "" }, ErrNotPasted},
	} {
		t.Run(c.name, func(t *testing.T) {
			var proof Proof
			grant, err := Paste(t.Context(), "https://example.com/confirmation", func(p Proof) string { proof = p; return "https://example.com/" },
				func(string) error { return nil }, func(context.Context) (string, error) { return c.text(proof.State), nil })
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if want := (Grant{Code: "EXAMPLE-code", Verifier: proof.Verifier, Redirect: "https://example.com/confirmation", Proven: true}); err == nil && grant != want {
				t.Errorf("got %+v, want %+v", grant, want)
			}
		})
	}
}

func TestPasteThatIsNotAsked(t *testing.T) {
	broken := errors.New("broken")
	fine := func(string) error { return nil }
	page := func(Proof) string { return "" }
	ask := func(context.Context) (string, error) { return "", broken }
	if _, err := Paste(t.Context(), "", page, func(string) error { return broken }, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Paste(t.Context(), "", page, fine, ask); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
