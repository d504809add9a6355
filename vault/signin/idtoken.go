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

// An ID is what an ID token that was verified says of a person.
type ID struct {
	Subject string
	Expires time.Time
	Claims  map[string]string // those that are texts, or true or false
}

// Expected is what an ID token has to agree with, beside its issuer and client.
type Expected struct {
	Audience     string // that it names; empty for the client
	Nonce        string // of the sign-in; empty for one without
	Subject      string // whom it was of before; empty for the first
	RenewedNonce string // the nonce of the sign-in that it renews, which it may name again; empty for none
}

// IDTokenError is returned for an ID token that does not prove who somebody is. It quotes
// nothing of it but claims that name no person.
type IDTokenError struct {
	Issuer string
	Reason string

	OtherSubject bool // it is another person's than before
	NoKey        bool // no key that was fetched verifies it, and a newer one may
	Expired      bool // it is too old by this computer's clock
	Missing      bool // there is none
}

func (e *IDTokenError) Error() string {
	return fmt.Sprintf("the ID token of %s is refused: %s", e.Issuer, e.Reason)
}

// maxIDToken is the longest token that AWS takes, in bytes.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
const maxIDToken = 20000

// algorithms are the ones that AWS takes, and so all that there is to verify.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512}

// Verify returns what an ID token says, once its signature was verified with the keys that
// FetchKeys has fetched. It fails with an [*IDTokenError], and calls nothing.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (p *Provider) Verify(raw string, want Expected) (ID, error) {
	refuse := func(format string, args ...any) (ID, error) {
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: fmt.Sprintf(format, args...)}
	}
	if raw == "" {
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: "there is none", Missing: true}
	}
	if len(raw) > maxIDToken {
		return refuse("it has %d bytes, want at most %d, as AWS does", len(raw), maxIDToken)
	}
	if !isCompact(raw) {
		return refuse("it is not three parts of base64 between dots") // a parser would take more, AWS does not
	}
	if want.Audience == "" {
		want.Audience = p.client.ID
	}
	keys := p.keys
	if keys == nil {
		keys = &keySet{}
	}
	v := oidc.NewVerifier(p.client.Issuer, keys, &oidc.Config{ClientID: want.Audience, SupportedSigningAlgs: algorithms, Now: p.client.Now})
	t, err := v.Verify(context.Background(), raw) // for keys that would be fetched
	var late *oidc.TokenExpiredError
	switch {
	case errors.As(err, &late):
		why := fmt.Sprintf("it ended at %s, want one that serves now: is this computer's clock right?", late.Expiry.UTC().Format(time.RFC3339))
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: why, Expired: true}
	case err != nil:
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: oneLine(strings.ReplaceAll(err.Error(), "oidc: ", "")), NoKey: keys.failed}
	}
	claims := textClaims(t)
	switch azp := claims["azp"]; {
	case t.Subject == "":
		return refuse("it names nobody, want the claim sub")
	case azp != "" && azp != p.client.ID:
		return refuse("it was given to the client %q (azp), want %q", oneLine(azp), p.client.ID)
	case azp == "" && !slices.Contains(t.Audience, p.client.ID):
		return refuse("its audience is %q, want the client %q among it, or as azp", t.Audience, p.client.ID)
	case azp == "" && len(t.Audience) > 1:
		return refuse("it has %d audiences and does not say which client it was given to, want the claim azp", len(t.Audience))
	case want.Nonce != "" && subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(want.Nonce)) != 1:
		return refuse("its nonce is not the one of this sign-in")
	case (want.Subject != "" || want.RenewedNonce != "") && t.Nonce != "" && subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(want.RenewedNonce)) != 1:
		return refuse("its nonce is not the one of the sign-in that it renews")
	case want.Subject != "" && t.Subject != want.Subject:
		return ID{}, &IDTokenError{Issuer: p.client.Issuer, Reason: "it is another person's than the sign-in that it renews", OtherSubject: true}
	}
	return ID{Subject: t.Subject, Expires: t.Expiry.UTC(), Claims: claims}, nil
}

// isCompact reports whether a token has the form in which it is sent.
// https://www.rfc-editor.org/rfc/rfc7515#section-7.1
func isCompact(raw string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	return strings.Count(raw, ".") == 2 && !strings.ContainsFunc(raw, func(r rune) bool { return !strings.ContainsRune(letters, r) })
}

// maxClaim is the longest claim that is looked at, and the longest name of one, in bytes.
const maxClaim = 256

// textClaims are the claims that are short texts, or true or false.
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
