package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// ErrInvalidPaste is returned where what a person brought is not what the page showed them.
var ErrInvalidPaste = errors.New("that is not the code that the sign-in page shows")

// WithPastedCode has a person sign in with a browser of any machine, and bring back by hand what
// its last page shows: the answer that [WithBrowser] would have had brought. redirect is that
// page. It returns [ErrInvalidPaste] for another text, and what ask returns if that is an
// error.
func WithPastedCode(ctx context.Context, redirect string, page func(p Proof) string, show func(url string) error, ask func(context.Context) (string, error)) (Grant, error) {
	proof := NewProof()
	if err := show(page(proof)); err != nil {
		return Grant{}, err
	}
	text, err := ask(ctx)
	if err != nil {
		return Grant{}, err
	}
	code, err := parsePasted(text, proof.State)
	return Grant{Code: code, Verifier: proof.Verifier, Redirect: redirect, PeerVerified: true}, err
}

// parsePasted reads the base64 of state=…&code=….
func parsePasted(text, state string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
	if err != nil {
		return "", ErrInvalidPaste
	}
	q, err := url.ParseQuery(string(raw))
	if err != nil || q.Get("code") == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
		return "", ErrInvalidPaste
	}
	return q.Get("code"), nil
}
