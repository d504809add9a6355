package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// ErrInvalidPaste reports that the pasted text is not the code that the sign-in page shows.
var ErrInvalidPaste = errors.New("the text is not the code that the sign-in page shows")

// WithPastedCode signs the user in with a browser on any machine. The function page returns the URL of the sign-in
// page, and show displays that URL. The argument redirect is the address of the last page, which shows a code. The
// function ask prompts the user to paste the code. WithPastedCode returns [ErrInvalidPaste] if the pasted text is
// not that code.
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

// parsePasted decodes the pasted text, which is the base64 form of state=…&code=….
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
