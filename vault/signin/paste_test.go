package signin

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
)

func TestWithPastedCode(t *testing.T) {
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
		{"another sign-in's", func(string) string { return encode([]byte("state=another&code=EXAMPLE-code")) }, ErrInvalidPaste},
		{"no code", func(s string) string { return encode([]byte("state=" + s)) }, ErrInvalidPaste},
		{"no query", func(string) string { return encode([]byte("%zz")) }, ErrInvalidPaste},
		{"something else", func(string) string { return "https://example.com/" }, ErrInvalidPaste},
		{"nothing", func(string) string { return "" }, ErrInvalidPaste},
	} {
		t.Run(c.name, func(t *testing.T) {
			var proof Proof
			grant, err := WithPastedCode(t.Context(), "https://example.com/confirmation", func(p Proof) string { proof = p; return "https://example.com/" },
				func(string) error { return nil }, func(context.Context) (string, error) { return c.text(proof.State), nil })
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if want := (Grant{Code: "EXAMPLE-code", Verifier: proof.Verifier, Redirect: "https://example.com/confirmation", PeerVerified: true}); err == nil && grant != want {
				t.Errorf("got %+v, want %+v", grant, want)
			}
		})
	}
}

func TestWithPastedCodeShowFails(t *testing.T) {
	broken := errors.New("broken")
	fine := func(string) error { return nil }
	page := func(Proof) string { return "" }
	ask := func(context.Context) (string, error) { return "", broken }
	if _, err := WithPastedCode(t.Context(), "", page, func(string) error { return broken }, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := WithPastedCode(t.Context(), "", page, fine, ask); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
