package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Timeout is how long a person has to sign in with a browser: as long as the AWS CLI waits, for a password manager and a
// second factor take their time.
const Timeout = 10 * time.Minute

// A Proof shows that who trades a code is who asked for it.
// https://www.rfc-editor.org/rfc/rfc7636#section-4
type Proof struct {
	Verifier  string // secret until the code is traded
	Challenge string // its SHA-256, which the sign-in page is told
	State     string // comes back with the answer
	Nonce     string // comes back within an ID token
}

// NewProof makes a proof for one sign-in.
func NewProof() Proof {
	verifier := randomText()
	sum := sha256.Sum256([]byte(verifier))
	return Proof{Verifier: verifier, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), State: randomText(), Nonce: randomText()}
}

// randomText is 256 bits in 43 letters, the fewest that a verifier may have.
func randomText() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Grant is what a sign-in with a browser gives, to be traded for tokens.
type Grant struct {
	Code     string
	Verifier string
	Redirect string // as the sign-in page was told
	Nonce    string // likewise
	// PeerVerified says that this user has brought the code, or root. If not, another user of this machine can
	// have signed in as himself, and the outcome is kept only if the user confirms who it is.
	PeerVerified bool

	user chan<- string
}

// OnRefusal shows in the browser who has signed in, while the user is asked to confirm it.
func (g Grant) ShowUser(who string) {
	select {
	case g.user <- who:
	default: // it was told, or no browser waits for it
	}
}

// WithBrowser has a person sign in with a browser of this machine. page returns the address of
// the sign-in page for a proof and for where it is to send the browser back to; show
// brings a person there; at says where that is. What the browser brings back is given to
// use, whose error is returned. Code returns ErrDenied or a [*RefusedError] if that has no
// code, and ErrTimeout if nothing comes within [Timeout]. If ctx ends, its cause is
// returned.
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
