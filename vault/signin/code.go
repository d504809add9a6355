package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Timeout is the time limit for a sign-in with a browser. The AWS CLI has the same limit. The limit leaves enough
// time for a password manager and a second factor.
const Timeout = 10 * time.Minute

// A Proof is the PKCE proof of one sign-in. It shows that the program that exchanges a code also requested the code.
// https://www.rfc-editor.org/rfc/rfc7636#section-4
type Proof struct {
	Verifier  string // secret until the code is exchanged
	Challenge string // SHA-256 of Verifier, part of the sign-in page's URL
	State     string // value that the redirect must repeat
	Nonce     string // value that the ID token must repeat
}

// NewProof creates the proof for one sign-in.
func NewProof() Proof {
	verifier := randomText()
	sum := sha256.Sum256([]byte(verifier))
	return Proof{Verifier: verifier, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), State: randomText(), Nonce: randomText()}
}

// randomText returns 256 random bits as 43 characters, the shortest verifier that PKCE allows.
func randomText() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// A Grant is the result of a browser sign-in. It can be exchanged for tokens.
type Grant struct {
	Code     string
	Verifier string
	Redirect string // the redirect URI of the sign-in request
	Nonce    string // the nonce of the sign-in request
	// PeerVerified reports whether the code arrived over a connection of this user or root. If false, another
	// user of this machine may have signed in. The tokens may then be stored only after the user has confirmed
	// who signed in.
	PeerVerified bool

	user chan<- string
}

// ShowUser shows in the browser who has signed in, while the terminal asks the user to confirm it.
func (g Grant) ShowUser(who string) {
	select {
	case g.user <- who:
	default: // the user is already shown, or no browser is waiting
	}
}

// WithBrowser signs the user in with a browser on this machine. The function page returns the URL of the sign-in page,
// show opens that URL, and use receives the resulting grant. The parameter at configures the callback server.
//
// WithBrowser returns the error of show or use, or a [*PortsError]. If the sign-in returns no code, WithBrowser returns
// ErrDenied or a [*RefusedError]. It returns ErrTimeout after [Timeout], and the cause if ctx ends.
func WithBrowser(ctx context.Context, at CallbackOptions, page func(p Proof, redirect string) string, show func(url string) error, use func(Grant) error) error {
	proof := NewProof()
	c, err := Listen(proof.State, at)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := show(page(proof, c.Redirect())); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, Timeout, errNoAnswer)
	defer cancel()
	a, err := c.Wait(limited)
	if err != nil {
		return err
	}
	return use(Grant{Code: a.Code, Verifier: proof.Verifier, Redirect: c.Redirect(), Nonce: proof.Nonce, PeerVerified: a.PeerVerified, user: a.user})
}
