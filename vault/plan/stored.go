package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"aws-vault/vault/profile"
)

// StoredKey is the Spec of an access key that is stored in the vault.
type StoredKey struct {
	Name        string `json:"name"`
	Fingerprint string `json:"-"` // changes whenever the key is written
}

// encode does not write the name, so a session stays valid when the key is renamed.
func (k StoredKey) encode(e *encoder) { e.text(k.Fingerprint) }

// Args returns nothing, because the name of the key is the step's profile.
func (StoredKey) Args() []Arg { return nil }

func storedKey(b *builder, q *profile.Profile) (Step, bool, error) {
	fingerprint, ok := b.holdings.Keys[q.Name]
	if !ok {
		return Step{}, false, nil
	}
	if q.Unread != nil {
		b.notes = append(b.notes, q.Unread.Error()+"; this section is not read")
	}
	return Step{
		Kind: KindStoredKey, Profile: q.Name, Yields: Yield{User, No},
		Why:  "an access key is stored under this name",
		Spec: StoredKey{Name: q.Name, Fingerprint: fingerprint},
	}, true, nil
}

// StaticKey is the Spec of an access key that is in a config file in plain text.
type StaticKey struct {
	Where       string `json:"where"`
	Fingerprint string `json:"-"` // changes with the key
}

func (k StaticKey) encode(e *encoder) { e.text(k.Fingerprint) }

// Args lists the place of the key.
func (k StaticKey) Args() []Arg { return []Arg{{"read from", k.Where}} }

// UsesOwnKey reports whether the profile source provides the access key that a file contains for it in plain text.
// The settings role_arn, source_profile and credential_source of this profile then have no effect, as in the AWS
// CLI and SDKs. The result is false for the profile target, for which the credentials are requested. It is also
// false for a profile with a stored key, because the role of such a profile is assumed.
func UsesOwnKey(target, source *profile.Profile, stored bool) bool {
	return source != target && !stored && (source.Set(keyID) || source.Set(keySecret))
}

const keyID, keySecret = "aws_access_key_id", "aws_secret_access_key"

func staticKey(b *builder, q *profile.Profile) (Step, bool, error) {
	id, secret := q.Value(keyID), q.Value(keySecret)
	switch {
	case id.Text == "" && secret.Text == "":
		return Step{}, false, nil
	case secret.Text == "":
		return Step{}, false, missingSetting(q, keyID, keySecret)
	case id.Text == "":
		return Step{}, false, missingSetting(q, keySecret, keyID)
	}
	s := Step{
		Kind: KindStaticKey, Profile: q.Name, Yields: Yield{User, No},
		Why: "the profile has an access key in plain text",
		Spec: StaticKey{
			Where:       id.Origin.String(),
			Fingerprint: Fingerprint(id.Text, secret.Text, q.Value("aws_session_token").Text),
		},
	}
	if q.Set("aws_session_token") {
		s.Yields = Yield{UnknownPrincipal, Yes}
	} else {
		b.notes = append(b.notes, fmt.Sprintf("%s: profile %s has a long-lived access key in plain text", id.Origin, q.Name))
	}
	return s, true, nil
}

// Fingerprint returns a text that identifies secrets without revealing them.
func Fingerprint(secrets ...string) string {
	e := encoder{hash: sha256.New()}
	for _, s := range secrets {
		e.text(s)
	}
	return hex.EncodeToString(e.hash.Sum(nil)[:16])
}
