package plan

import (
	"fmt"
	"strings"

	"aws-vault/vault/profile"
)

// RolesAnywhere is the Spec of a CreateSession step. The request is signed with the private key of a
// certificate, and the response contains a role's credentials.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
type RolesAnywhere struct {
	TrustAnchor string `json:"trust_anchor_arn"`
	Profile     string `json:"rolesanywhere_profile_arn"`
	Role        string `json:"role_arn"`
	// the session name; empty for AWS's default, which is the serial number of the certificate
	SessionName string `json:"role_session_name,omitempty"`
	// a file with the certificate and its intermediate certificates
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"private_key"` // the path of a file, or a key on a card; see Slot
	Fingerprint string `json:"-"`           // fingerprint of the certificate
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

// Args lists the role, the certificate and its private key.
func (r RolesAnywhere) Args() []Arg {
	args := []Arg{{"role", r.Role}, {"trust anchor", r.TrustAnchor}, {"profile ARN", r.Profile}}
	if r.SessionName != "" {
		args = append(args, Arg{"session name", r.SessionName})
	}
	args = append(args, Arg{"certificate", r.Certificate})
	if slot, ok := Slot(r.PrivateKey); ok {
		return append(args, Arg{"private key", "in slot " + slot + " of a security key"})
	}
	return append(args, Arg{"private key", r.PrivateKey})
}

// Slot returns the card slot that private_key names, such as 9c for piv:9c. It returns false if private_key is the
// path of a file.
func Slot(privateKey string) (slot string, ok bool) { return strings.CutPrefix(privateKey, "piv:") }

// anywhereSettings are the required settings of Roles Anywhere, in the order in which missing ones
// are reported.
var anywhereSettings = []string{"trust_anchor_arn", "rolesanywhere_profile_arn", "role_arn", "certificate", "private_key"}

// anywhereSources are the settings that select Roles Anywhere.
var anywhereSources = []string{"trust_anchor_arn", "rolesanywhere_profile_arn"}

func rolesAnywhere(b *builder, q *profile.Profile) (Step, bool, error) {
	if firstSet(q, anywhereSources...) == "" {
		return Step{}, false, nil
	}
	spec := RolesAnywhere{
		TrustAnchor: q.Text("trust_anchor_arn"), Profile: q.Text("rolesanywhere_profile_arn"), Role: q.Text("role_arn"),
		SessionName: q.Text("role_session_name"), Certificate: q.Text("certificate"), PrivateKey: q.Text("private_key"),
	}
	spec.Fingerprint = b.holdings.Certificates[spec.Certificate]
	s := Step{
		Kind: KindRolesAnywhere, Profile: q.Name, Yields: Yield{Role, Yes}, Cacheable: true, Spec: spec,
		Region: regionOf(spec.TrustAnchor), Endpoint: serviceEndpoint(q, "rolesanywhere"),
		Why: "the certificate's private key signs the request for the profile's role_arn",
		Settings: settings(q, "trust_anchor_arn", "rolesanywhere_profile_arn", "role_arn", "role_session_name",
			"certificate", "private_key", "duration_seconds"),
	}
	for _, name := range []string{"session_tags", "source_identity", "external_id"} {
		if v := q.Value(name); q.Set(name) {
			s.Why += fmt.Sprintf("; the %s that %s sets is not sent, because AWS reads it from the certificate", name, v.Origin)
		}
	}
	var err error
	s.Duration, _, err = b.duration(q, !b.chain.rolesAbove(q))
	return s, true, err
}

// checkSourceProfile refuses a profile that has a second source of credentials besides source_profile, because
// role_arn could belong to either source. The second source can be Roles Anywhere or credential_source. The AWS
// CLI also refuses credential_source.
func checkSourceProfile(q *profile.Profile) error {
	if has := firstSet(q, anywhereSources...); has != "" {
		return &MultipleSourcesError{Origin: q.Value("source_profile").Origin, Profile: q.Name, Found: "source_profile", Other: has}
	}
	if q.Set("role_arn") && q.Set("credential_source") {
		return &MultipleSourcesError{Origin: q.Value("credential_source").Origin, Profile: q.Name, Found: "credential_source", Other: "source_profile"}
	}
	return nil
}

// checkAnywhere checks a profile with Roles Anywhere. It fails if a required setting is missing, if the two ARNs are in
// different regions, or if a session policy would have no effect. It also fails if the profile has another source of
// credentials, because role_arn could belong to either source.
func checkAnywhere(q *profile.Profile) error {
	has := firstSet(q, anywhereSources...)
	if has == "" {
		return nil
	}
	if name := otherSource(q, has); name != "" {
		return &MultipleSourcesError{Origin: q.Value(name).Origin, Profile: q.Name, Found: name, Other: has}
	}
	for _, want := range anywhereSettings {
		if !q.Set(want) {
			return missingSetting(q, has, want)
		}
	}
	anchor, other := q.Text("trust_anchor_arn"), q.Value("rolesanywhere_profile_arn")
	if regionOf(anchor) != regionOf(other.Text) {
		return &SettingError{other.Origin, fmt.Errorf("rolesanywhere_profile_arn is in region %s, expected %s, the region of the trust anchor", regionOf(other.Text), regionOf(anchor))}
	}
	for _, name := range []string{"session_policy", "session_policy_arns"} {
		if q.Set(name) {
			return &PolicyIgnoredError{Origin: q.Value(name).Origin, Profile: q.Name, Setting: name}
		}
	}
	return nil
}

// regionOf returns the region in an ARN, or "".
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}

// MultipleSourcesError reports a profile with two sources of credentials, where role_arn could
// belong to either source.
type MultipleSourcesError struct {
	Origin       profile.Origin // the place where Found is set
	Profile      string
	Found, Other string
}

func (e *MultipleSourcesError) Error() string {
	return fmt.Sprintf("%s: profile %[4]s sets %[2]s and %[3]s, expected only one source of credentials", e.Origin, e.Found, e.Other, e.Profile)
}

// PolicyIgnoredError reports a session policy that would have no effect, because the source of the
// profile's credentials does not accept a session policy.
type PolicyIgnoredError struct {
	Origin  profile.Origin
	Profile string
	Setting string
}

func (e *PolicyIgnoredError) Error() string {
	return fmt.Sprintf("%s: %s cannot limit profile %s, because Roles Anywhere accepts no session policy", e.Origin, e.Setting, e.Profile)
}
