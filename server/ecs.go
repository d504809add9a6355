package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"aws-vault/vault/ascii"
)

// ECS answers as the endpoint that a container has for its credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type ECS struct {
	Filter Filter
	Mounts []*Mount
	// Explain says how an error of a lease is told; nil makes it an internal failure.
	Explain func(error) Refusal
	// Audit is told of all credentials before they are handed out. If it fails, they are
	// not. Nil tells nobody.
	Audit func(AuditEvent) error
}

// A Mount is one profile's place at the endpoint: its own credentials at Path, and those
// of roles on top of them at Path/role-arn/ARN.
type Mount struct {
	Profile string
	Path    string // empty, or with a slash in front and none at the end
	Token   Digest // of what has to stand in Authorization
	Cache   *CredentialCache
	Roles   *Roles // nil for none
}

// A Digest stands for a token, which does not have to be remembered.
type Digest [sha256.Size]byte

// DigestOf returns the digest of a token.
func DigestOf(token string) Digest { return sha256.Sum256([]byte(token)) }

// matches compares in a time that tells nothing of either.
func (d Digest) matches(token string) bool {
	other := DigestOf(token)
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// rolePath is where roles are asked for.
const rolePath = "/role-arn/"

// ServeHTTP answers one request.
func (e *ECS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, arn, no := e.route(r)
	if no != nil {
		Refuse(w, *no)
		return
	}
	lease := m.Cache
	if arn != "" {
		lease = m.Roles.cache(arn)
	}
	held, err := lease.Get(r.Context())
	if err != nil {
		Refuse(w, toRefusal(e.Explain, err))
		return
	}
	if no := auditRequest(e.Audit, r, AuditEvent{Profile: m.Profile, Role: arn, Expires: held.Credentials.Expires}); no != nil {
		Refuse(w, *no)
		return
	}
	writeCredentials(w, held.ecsBody())
}

// requested says whose credentials a request is for, and of which role, if any. A wrong token is
// 403 and not 401, as with aws-vault 7: no SDK has another one to try.
func (e *ECS) route(r *http.Request) (m *Mount, arn string, no *Refusal) {
	if no := e.Filter.check(r, http.MethodGet, http.MethodHead); no != nil {
		return nil, "", no
	}
	m, rest := e.findMount(r.URL.Path)
	if !m.Token.matches(r.Header.Get("Authorization")) || m.Cache == nil {
		return nil, "", &Refusal{http.StatusForbidden, "InvalidToken", "the token in Authorization is not the one for this path"}
	}
	if rest == "" || rest == "/" {
		return m, "", nil
	}
	arn, role := strings.CutPrefix(rest, rolePath)
	if !role || m.Roles == nil {
		return nil, "", &Refusal{http.StatusNotFound, "NotFound", "nothing is here, want / or " + rolePath + "ARN"}
	}
	if !isRoleARN(arn) {
		return nil, "", &Refusal{http.StatusBadRequest, "InvalidRoleArn", quoted(arn) + " is not the ARN of a role"}
	}
	return m, arn, nil
}

// unknownMount has a token that nobody knows, so that a path without a profile is refused as a
// wrong token is.
var unknownMount = new(Mount)

// findMount finds whose path it is, and what stands behind it.
func (e *ECS) findMount(path string) (m *Mount, rest string) {
	m = unknownMount
	for _, each := range e.Mounts {
		after, ok := strings.CutPrefix(path, each.Path)
		if ok && (after == "" || after[0] == '/') && (m == unknownMount || len(each.Path) > len(m.Path)) {
			m, rest = each, after
		}
	}
	return m, rest
}

// Refuse answers with an error as the SDKs read it: JavaScript's has capitals, the others do not.
func Refuse(w http.ResponseWriter, no Refusal) {
	if no.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD")
	}
	writeJSON(w, no.Status, struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		CodeAgain    string `json:"Code"`
		MessageAgain string `json:"Message"`
	}{no.Code, no.Message, no.Code, no.Message})
}

// isRoleARN reports whether a text may be the ARN of a role; AWS has the last word.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func isRoleARN(s string) bool {
	const shortest, longest, account = 20, 2048, 12
	f := strings.SplitN(s, ":", 6)
	if len(s) < shortest || len(s) > longest || len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] != "iam" || f[3] != "" || len(f[4]) != account {
		return false
	}
	name, ok := strings.CutPrefix(f[5], "role/")
	return ok && name != "" && strings.Trim(f[4], "0123456789") == "" && !strings.ContainsFunc(s, func(r rune) bool { return !ascii.IsGraphic(r) })
}
