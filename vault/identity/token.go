// Package identity signs OIDC tokens (JWT) that say who somebody is, and writes the documents that
// let AWS trust them. The signer is given; who holds it, and what AWS answers, is left to others.
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

// Lasts is how long a token is good for: it is exchanged at once, and once.
const Lasts = 5 * time.Minute

// Early is how much before now a token says that it was made: this computer's clock may be ahead of AWS's by so much
// before aws-vault corrects it, and a token from the future is refused.
const Early = 4 * time.Minute

// Claims are what a token says, apart from its times.
type Claims struct {
	Issuer, Subject, Audience string
	SourceIdentity            string // empty for none
	Tags                      []Tag  // of the session that it is exchanged for
	Transitive                []string
	Role                      string // the one role it may be exchanged for
}

// A Tag is a session tag.
type Tag struct{ Key, Value string }

// The claims that AWS reads into a session. Whether it looks at the roles is not known;
// nothing rests on it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
const (
	claimSource = "https://aws.amazon.com/source_identity"
	claimTags   = "https://aws.amazon.com/tags"
	claimRoles  = "https://aws.amazon.com/roles"
)

// Token signs the claims, with what makes the token one of its kind. It asks signer for one
// signature. It fails with signer's error, or with one that says why its key cannot serve.
func Token(signer crypto.Signer, c Claims, now time.Time) (string, error) {
	id, err := KeyID(signer.Public())
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience, "jti": rand.Text(),
		"iat": now.Add(-Early).Unix(), "exp": now.Add(Lasts).Unix(),
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

// ReadUnverified decodes the claims of a JSON Web Token into a value, as [json.Unmarshal] does. It reports
// whether the token is one. It does not look at the signature, so it is for tokens that somebody else
// checks, or that came from their issuer directly.
// https://www.rfc-editor.org/rfc/rfc7519#section-3.1
func ReadUnverified(token string, claims any) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(payload, claims) == nil
}
