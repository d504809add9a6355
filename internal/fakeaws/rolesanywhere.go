package fakeaws

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// anchor is a trust anchor. It accepts certificates that one of its authorities has issued.
type anchor struct {
	arn   string
	roots *x509.CertPool
	off   bool
}

type anywhereProfile struct {
	AnywhereProfile
	arn string
}

// AnywhereProfile is a profile of Roles Anywhere. Only the roles in its list can be assumed with it.
type AnywhereProfile struct {
	Roles              []string
	MaxSession         time.Duration // the longest session; zero means an hour
	AcceptsSessionName bool          // whether calls may set a role session name
}

// AddTrustAnchor registers a trust anchor and returns its ARN. The text roots contains the authorities' certificates
// in PEM.
func (a *AWS) AddTrustAnchor(account, region, roots string) (string, error) {
	pool := x509.NewCertPool()
	for block, rest := pem.Decode([]byte(roots)); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", fmt.Errorf("trust anchor: %w", err)
		}
		if !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0 {
			return "", errors.New("trust anchor: the certificate is not an authority's")
		}
		pool.AddCert(c)
	}
	if pool.Equal(x509.NewCertPool()) {
		return "", errors.New("trust anchor: no certificate")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &anchor{arn: fmt.Sprintf("arn:aws:rolesanywhere:%s:%s:trust-anchor/EXAMPLE-%d", region, account, len(a.anchors)+1), roots: pool}
	a.anchors[t.arn] = t
	return t.arn, nil
}

// DisableTrustAnchor disables a trust anchor. After that, the fake refuses calls that name this trust anchor.
func (a *AWS) DisableTrustAnchor(arn string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.anchors[arn].off = true
}

// AddAnywhereProfile adds a profile of Roles Anywhere and returns its ARN.
func (a *AWS) AddAnywhereProfile(account, region string, p AnywhereProfile) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.MaxSession == 0 {
		p.MaxSession = time.Hour
	}
	arn := fmt.Sprintf("arn:aws:rolesanywhere:%s:%s:profile/EXAMPLE-%d", region, account, len(a.anywhere)+1)
	a.anywhere[arn] = &anywhereProfile{p, arn}
	return arn
}

// anywhereService is the principal of Roles Anywhere. Roles Anywhere can assume a role only if the role's trust
// policy allows this principal.
const anywhereService = "rolesanywhere.amazonaws.com"

// createAnywhereSession implements CreateSession. AWS does not document the texts of its errors, except for errors
// in parameters.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
func (a *AWS) createAnywhereSession(r *request) (any, error) {
	leaf, err := a.checkX509(r)
	if err != nil {
		return nil, err
	}
	q := r.http.URL.Query()
	p, target := a.anywhere[q.Get("profileArn")], a.roles[q.Get("roleArn")]
	switch {
	case p == nil || regionOfARN(p.arn) != regionOfARN(q.Get("trustAnchorArn")):
		return nil, anywhereDenied("Unable to use profile.")
	case target == nil || !slices.Contains(p.Roles, target.arn):
		return nil, anywhereDenied("Role is not in the profile's list of roles.")
	case !slices.Contains(target.Trusts, anywhereService) || target.DenyTagSession || target.DenySetSourceIdentity:
		return nil, anywhereDenied("Unable to assume role for %s", target.arn)
	}
	name := r.params.Get("roleSessionName")
	if name != "" && !p.AcceptsSessionName {
		return nil, anywhereDenied("Profile does not allow role session name override")
	}
	if name == "" {
		name = fmt.Sprintf("%x", leaf.SerialNumber)
	}
	ask, err := anywhereAssumption(r, leaf)
	if err != nil {
		return nil, err
	}
	made := session{kind: roleSession, role: target, name: name}
	if err := made.inherit(nil, target, ask); err != nil {
		return nil, anywhereDenied("Unable to assume role for %s", target.arn)
	}
	s := a.issue(made, r.now, min(ask.lasts, p.MaxSession, target.MaxSession))
	r.call.Caller, r.call.by = s.caller().arn, s.caller().short()
	body, err := json.Marshal(map[string]any{"subjectArn": "arn:aws:rolesanywhere:::subject/EXAMPLE", "credentialSet": []any{map[string]any{
		"assumedRoleUser": map[string]string{"arn": s.caller().arn, "assumedRoleId": s.caller().id}, "roleArn": target.arn,
		"sourceIdentity": s.sourceIdentity, "packedPolicySize": 0,
		"credentials": map[string]string{"accessKeyId": s.ID, "secretAccessKey": s.Secret, "sessionToken": s.token, "expiration": stamp(s.expires)},
	}}})
	return answer{status: http.StatusCreated, header: http.Header{"Content-Type": {"application/json"}}, body: body}, err
}

// anywhereAssumption returns the role session that a CreateSession call requests. The subject of the certificate
// leaf becomes the session's tags and source identity.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
func anywhereAssumption(r *request, leaf *x509.Certificate) (assumption, error) {
	c := checks{params: r.params}
	if text := r.params.Get("durationSeconds"); text != "" {
		c.params = map[string][]string{"DurationSeconds": {text}}
	}
	ask := assumption{lasts: c.duration(leastSession, mostRole, usualRole), sourceIdentity: leaf.Subject.CommonName}
	if err := c.err(); err != nil {
		return ask, refuse(400, "ValidationException", "%s", err.(*refusal).message)
	}
	ask.tags.values = map[string]string{"x509Subject/CN": leaf.Subject.CommonName}
	for key, values := range map[string][]string{"OU": leaf.Subject.OrganizationalUnit, "O": leaf.Subject.Organization} {
		if len(values) > 0 {
			ask.tags.values["x509Subject/"+key] = strings.Join(values, "/")
		}
	}
	return ask, nil
}

func anywhereDenied(format string, args ...any) *refusal {
	return refuse(403, "AccessDeniedException", format, args...)
}

func regionOfARN(arn string) string {
	fields, _ := arnFields(arn)
	return fields[3]
}
