package signin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"

	"aws-vault/vault/peer"
)

func TestProof(t *testing.T) {
	a, b := NewProof(), NewProof()
	if a.Verifier == b.Verifier || a.State == b.State || a.State == a.Verifier {
		t.Error("two proofs are alike")
	}
	sum := sha256.Sum256([]byte(a.Verifier))
	if a.Challenge != base64.RawURLEncoding.EncodeToString(sum[:]) || len(a.Verifier) != 43 {
		t.Errorf("proof is %+v", a)
	}
}

func TestCode(t *testing.T) {
	var proof Proof
	var redirect string
	grant, err := Code(t.Context(), Return{Who: peer.ThisUser()}, func(p Proof, r string) string {
		proof, redirect = p, r
		return "https://example.com/authorize"
	}, func(page string) error {
		if page != "https://example.com/authorize" {
			t.Errorf("shown %s", page)
		}
		go http.Get(redirect + "?" + url.Values{"code": {"EXAMPLE-code"}, "state": {proof.State}}.Encode())
		return nil
	})
	if want := (Grant{Code: "EXAMPLE-code", Verifier: proof.Verifier, Redirect: redirect, Nonce: proof.Nonce}); err != nil || grant != want {
		t.Errorf("got %+v, %v, want %+v", grant, err, want)
	}
	if u, err := url.Parse(redirect); err != nil {
		t.Error(err)
	} else if conn, err := net.Dial("tcp", u.Host); err == nil {
		conn.Close()
		t.Error("it goes on listening")
	}
}

func TestCodeThatIsNotShown(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Code(t.Context(), Return{Who: peer.ThisUser()}, func(Proof, string) string { return "" }, func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// A wait for a browser is not what lets a bubble's clock go on, so the wait is looked at
// alone.
func TestCodeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Callback{answers: make(chan answer)}
		ctx, cancel := context.WithTimeoutCause(t.Context(), Patience, errSignInOver)
		defer cancel()
		if _, err := c.Wait(ctx); !errors.Is(err, ErrTimeout) || !Over(err) || err.Error() != "nobody has signed in in time: there was no answer within 3m0s" {
			t.Errorf("got %v", err)
		}
	})
}
