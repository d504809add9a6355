package signin

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// An ID holds the content of a verified ID token.
type ID struct {
	Subject string
	Expires time.Time
	Claims  map[string]string // claims of the ID token that are short strings or booleans
}

// Expected holds the values that an ID token must have, besides its issuer and client.
type Expected struct {
	Audience     string // expected audience; if empty, the client ID is expected
	Nonce        string // nonce of a new sign-in; empty for a renewal
	Subject      string // subject of the token that is renewed; empty for a new sign-in
	RenewedNonce string // nonce of the original sign-in, which a renewed token may repeat; empty if there was no nonce
}

// IDTokenError reports an ID token that failed verification. The message does not quote claims that identify the user.
type IDTokenError struct {
	Issuer string
	Reason string

	OtherSubject bool // whether the token belongs to another user than the token that was renewed
	NoKey        bool // whether none of the fetched keys verifies the signature; a newer key may verify it
	Expired      bool // whether the token has expired by the local clock
	Missing      bool // whether the response has no ID token
}

func (e *IDTokenError) Error() string {
	return fmt.Sprintf("the ID token of %s is not valid: %s", e.Issuer, e.Reason)
}

// maxIDToken is the longest token that AWS accepts, in bytes.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
const maxIDToken = 20000

// algorithms are the signature algorithms that AWS accepts.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512}

// Verify verifies an ID token with the keys that FetchKeys has fetched, and returns its content. It makes no
// network call. It returns an [*IDTokenError] if the token is not valid.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (p *Provider) Verify(raw string, want Expected) (ID, error) {
	refuse := func(format string, args ...any) (ID, error) {
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: fmt.Sprintf(format, args...)}
	}
	if raw == "" {
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: "the response has no ID token", Missing: true}
	}
	if len(raw) > maxIDToken {
		return refuse("it has %d bytes, expected at most %d, which is AWS's limit", len(raw), maxIDToken)
	}
	if !isCompact(raw) {
		return refuse("expected three base64url parts separated by dots") // go-jose accepts other forms, but AWS does not
	}
	if want.Audience == "" {
		want.Audience = p.client.ID
	}
	keys := p.keys
	if keys == nil {
		keys = &keySet{}
	}
	v := oidc.NewVerifier(p.client.Issuer, keys, &oidc.Config{ClientID: want.Audience, SupportedSigningAlgs: algorithms, Now: p.client.Now})
	t, err := v.Verify(context.Background(), raw) // this context is unused, because keySet makes no network call
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		reason := fmt.Sprintf("it expired at %s; check that this computer's clock is right", expired.Expiry.UTC().Format(time.RFC3339))
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: reason, Expired: true}
	case err != nil:
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: oneLine(strings.ReplaceAll(err.Error(), "oidc: ", "")), NoKey: keys.failed}
	}
	claims := textClaims(t)
	switch azp := claims["azp"]; {
	case t.Subject == "":
		return refuse("it has no sub claim")
	case azp != "" && azp != p.client.ID:
		return refuse("its azp claim is %q, expected the client ID %q", oneLine(azp), p.client.ID)
	case azp == "" && !slices.Contains(t.Audience, p.client.ID):
		return refuse("its audience is %q, expected the client ID %q in the audience or in the azp claim", t.Audience, p.client.ID)
	case azp == "" && len(t.Audience) > 1:
		return refuse("it has %d audiences, so an azp claim is expected", len(t.Audience))
	case want.Nonce != "" && subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(want.Nonce)) != 1:
		return refuse("its nonce does not match this sign-in")
	case (want.Subject != "" || want.RenewedNonce != "") && t.Nonce != "" && subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(want.RenewedNonce)) != 1:
		return refuse("its nonce does not match the original sign-in")
	case want.Subject != "" && t.Subject != want.Subject:
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: "it belongs to a different user than the original sign-in", OtherSubject: true}
	}
	return ID{Subject: t.Subject, Expires: t.Expiry.UTC(), Claims: claims}, nil
}

// isCompact reports whether a token is in the compact serialization.
// https://www.rfc-editor.org/rfc/rfc7515#section-7.1
func isCompact(raw string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	return strings.Count(raw, ".") == 2 && !strings.ContainsFunc(raw, func(r rune) bool { return !strings.ContainsRune(letters, r) })
}

// maxClaim limits the name and the value of a claim, in bytes. Longer claims are ignored.
const maxClaim = 256

// textClaims returns the claims that are short strings or booleans.
func textClaims(t *oidc.IDToken) map[string]string {
	var raw map[string]json.RawMessage
	if t.Claims(&raw) != nil {
		return nil
	}
	all := map[string]string{}
	for name, value := range raw {
		var text string
		switch {
		case len(name) > maxClaim, len(value) > maxClaim:
		case string(value) == "true", string(value) == "false":
			all[name] = string(value)
		case json.Unmarshal(value, &text) == nil:
			all[name] = text
		}
	}
	return all
}
