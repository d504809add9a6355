// Package identity signs OIDC tokens (JWT) for an identity, and writes the documents that make AWS trust them. Other
// packages store the signing keys and send the tokens to AWS.
package identity

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// TokenLifetime is how long a token is valid. A token is used once, immediately after it has been signed.
const TokenLifetime = 5 * time.Minute

// TokenBackdate is subtracted from the issue time (iat) of a token, because AWS refuses a token whose issue time is
// in the future. This computer's clock may therefore be ahead of AWS's clock by up to TokenBackdate.
const TokenBackdate = 4 * time.Minute

// Claims are the claims of a token, except its times and its ID.
type Claims struct {
	Issuer, Subject, Audience string
	SourceIdentity            string // may be empty
	Tags                      []Tag  // session tags
	Transitive                []string
	Role                      string // ARN of the only role that the token is for; may be empty
}

// A Tag is a session tag.
type Tag struct{ Key, Value string }

// Claims that AWS uses for the session. If a token has the claim claimRoles, AWS does not exchange the token for a
// role that the claim does not list. AWS checks this before it reads the role's trust policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
const (
	claimSource = "https://aws.amazon.com/source_identity"
	claimTags   = "https://aws.amazon.com/tags"
	claimRoles  = "https://aws.amazon.com/roles"
)

// Token returns a signed token with the claims c, a new ID, an issue time and an expiry time. Token calls the signer
// once. It fails if the signer fails, or if the signer's key is not on P-256.
func Token(signer crypto.Signer, c Claims, now time.Time) (string, error) {
	id, err := KeyID(signer.Public())
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience, "jti": rand.Text(),
		"iat": now.Add(-TokenBackdate).Unix(), "exp": now.Add(TokenLifetime).Unix(),
	}
	if c.SourceIdentity != "" {
		claims[claimSource] = c.SourceIdentity
	}
	if c.Role != "" {
		claims[claimRoles] = []string{c.Role}
	}
	if len(c.Tags) > 0 {
		values := map[string][]string{}
		for _, t := range c.Tags {
			values[t.Key] = []string{t.Value}
		}
		tags := map[string]any{"principal_tags": values}
		if len(c.Transitive) > 0 {
			tags["transitive_tag_keys"] = c.Transitive
		}
		claims[claimTags] = tags
	}
	token, err := sign(signer, id, claims)
	if err != nil {
		return "", fmt.Errorf("signing a token for %s: %w", c.Subject, err)
	}
	return token, nil
}

// PinnedRoles returns the ARNs of the only roles that a token can be exchanged for. It returns nil if the token can be
// exchanged for any role that trusts its issuer. It does not check the signature.
func PinnedRoles(token string) []string {
	var claims map[string]json.RawMessage
	if !ReadUnverified(token, &claims) {
		return nil
	}
	var one string
	if json.Unmarshal(claims[claimRoles], &one) == nil && one != "" {
		return []string{one}
	}
	var roles []string
	_ = json.Unmarshal(claims[claimRoles], &roles) // a claim of another type is not a list of roles
	return roles
}

// ReadUnverified decodes the payload of a JSON Web Token into the value claims, as [json.Unmarshal] does. It
// returns false if token is not a JWT or its payload cannot be decoded. It does not check the signature. Use it
// only for a token that came directly from its issuer, or for a token that another party verifies.
// https://www.rfc-editor.org/rfc/rfc7519#section-3.1
func ReadUnverified(token string, claims any) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(payload, claims) == nil
}
