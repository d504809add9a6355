package plan

import (
	"fmt"
	"strings"

	"aws-vault/vault/profile"
)

// RolesAnywhere is the Spec of a CreateSession step: a certificate's holder signs for a role.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
type RolesAnywhere struct {
	TrustAnchor string `json:"trust_anchor_arn"`
	Profile     string `json:"rolesanywhere_profile_arn"`
	Role        string `json:"role_arn"`
	SessionName string `json:"role_session_name,omitempty"` // empty leaves it to AWS, which takes the certificate's serial number
	Certificate string `json:"certificate"`                 // a file: the certificate, and what stands between it and the trust anchor's
	PrivateKey  string `json:"private_key"`                 // a file, or a key that a card holds: see Slot
	Fingerprint string `json:"-"`                           // of the certificate, changes with it
}

func (r RolesAnywhere) encode(e *encoder) {
	e.text(r.TrustAnchor)
	e.text(r.Profile)
	e.text(r.Role)
	e.text(r.SessionName)
	e.text(r.Certificate)
	e.text(r.PrivateKey)
	e.text(r.Fingerprint)
}

// Args lists what is signed for, and what with.
func (r RolesAnywhere) Args() []Arg {
	args := []Arg{{"role", r.Role}, {"trust anchor", r.TrustAnchor}, {"profile ARN", r.Profile}}
	if r.SessionName != "" {
		args = append(args, Arg{"session name", r.SessionName})
	}
	args = append(args, Arg{"certificate", r.Certificate})
	if slot, ok := Slot(r.PrivateKey); ok {
		return append(args, Arg{"private key", "in slot " + slot + " of a card"})
	}
	return append(args, Arg{"private key", r.PrivateKey})
}

// Slot returns the slot of a card that a private_key names, such as 9c of piv:9c, and false
// where it names a file.
func Slot(privateKey string) (slot string, ok bool) { return strings.CutPrefix(privateKey, "piv:") }

// anywhereSettings are what a profile needs for Roles Anywhere, in the order in which they are
// asked for.
var anywhereSettings = []string{"trust_anchor_arn", "rolesanywhere_profile_arn", "role_arn", "certificate", "private_key"}

// otherSources are settings that begin credentials otherwise. Which of two was meant, the role
// beside them would hide.
var otherSources = []string{
	"credential_source", "sso_start_url", "web_identity_token_file", "web_identity_token_process",
	"aws_access_key_id", "login_session", "credential_process",
}

func rolesAnywhere(b *builder, q *profile.Profile) (Step, bool, error) {
	has := anywhereSetting(q)
	if has == "" {
		return Step{}, false, nil
	}
	if err := checkAnywhere(q, has); err != nil {
		return Step{}, false, err
	}
	spec := RolesAnywhere{
		TrustAnchor: q.Text("trust_anchor_arn"), Profile: q.Text("rolesanywhere_profile_arn"), Role: q.Text("role_arn"),
		SessionName: q.Text("role_session_name"), Certificate: q.Text("certificate"), PrivateKey: q.Text("private_key"),
	}
	spec.Fingerprint = b.holdings.Certificates[spec.Certificate]
	s := Step{
		Kind: KindRolesAnywhere, Profile: q.Name, Yields: Yield{Role, Yes}, Keep: true, Spec: spec,
		Region: regionOf(spec.TrustAnchor), Endpoint: serviceEndpoint(q, "rolesanywhere"),
		Why: "whoever holds the certificate's key gets the role beside it",
		From: settings(q, "trust_anchor_arn", "rolesanywhere_profile_arn", "role_arn", "role_session_name",
			"certificate", "private_key", "duration_seconds"),
	}
	for _, name := range []string{"session_tags", "source_identity", "external_id"} {
		if v := q.Value(name); q.Set(name) {
			s.Why += fmt.Sprintf("; the %s that %s sets is not sent, for AWS takes such from the certificate", name, v.Origin)
		}
	}
	var err error
	s.Lasts, _, err = b.duration(q, !b.chain.rolesAbove(q))
	return s, true, err
}

// anywhereSetting is the setting of q that says it is for Roles Anywhere; empty for none.
func anywhereSetting(q *profile.Profile) string {
	for _, name := range []string{"trust_anchor_arn", "rolesanywhere_profile_arn"} {
		if q.Set(name) {
			return name
		}
	}
	return ""
}

// besideSource refuses Roles Anywhere beside a source_profile: the role could be either's.
func besideSource(q *profile.Profile) error {
	has := anywhereSetting(q)
	if has == "" {
		return nil
	}
	return &SourcesError{Origin: q.Value("source_profile").Origin, Profile: q.Name, Found: "source_profile", Beside: has}
}

// checkAnywhere refuses settings that are not whole, that leave open which source is meant, or
// that AWS would not heed.
func checkAnywhere(q *profile.Profile, has string) error {
	at := q.Value(has).Origin
	for _, name := range otherSources {
		if q.Set(name) {
			return &SourcesError{Origin: q.Value(name).Origin, Profile: q.Name, Found: name, Beside: has}
		}
	}
	for _, want := range anywhereSettings {
		if !q.Set(want) {
			return &MissingSettingError{Origin: at, Has: has, Wants: want}
		}
	}
	anchor, other := q.Text("trust_anchor_arn"), q.Value("rolesanywhere_profile_arn")
	if regionOf(anchor) != regionOf(other.Text) {
		return &SettingError{other.Origin, fmt.Errorf("rolesanywhere_profile_arn lies in %s, want %s as the trust anchor", regionOf(other.Text), regionOf(anchor))}
	}
	for _, name := range []string{"session_policy", "session_policy_arns"} {
		if q.Set(name) {
			return &PolicyIgnoredError{Origin: q.Value(name).Origin, Profile: q.Name, Setting: name}
		}
	}
	return nil
}

// regionOf is the region that an ARN names.
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}

// SourcesError is returned for a profile with two sources of credentials, where a role beside
// them could be of either.
type SourcesError struct {
	Origin        profile.Origin // of the one found
	Profile       string
	Found, Beside string
}

func (e *SourcesError) Error() string {
	return fmt.Sprintf("%s: %s stands beside %s in profile %s, want one source of credentials", e.Origin, e.Found, e.Beside, e.Profile)
}

// PolicyIgnoredError is returned for a session policy beside a source whose call carries none:
// what was to be limited would not be.
type PolicyIgnoredError struct {
	Origin  profile.Origin
	Profile string
	Setting string
}

func (e *PolicyIgnoredError) Error() string {
	return fmt.Sprintf("%s: %s cannot limit profile %s, as Roles Anywhere takes no policy from who calls", e.Origin, e.Setting, e.Profile)
}
