package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"aws-vault/vault/ascii"
)

// ECS serves credentials in the same way as the container credentials endpoint of Amazon ECS.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type ECS struct {
	Filter Filter
	Mounts []*Mount
	// Explain converts an error from a credential cache to a response. If Explain is nil, the response is an
	// internal error.
	Explain func(error) Refusal
}

// A Mount serves one profile. The profile's credentials are at Path. The credentials of roles that the profile
// assumes are at Path/role-arn/ARN.
type Mount struct {
	Path  string // empty, or a path with a leading slash and without a trailing slash
	Token Digest // digest of the token that the Authorization header must contain
	Cache *CredentialCache
	Roles *Roles // nil if the credentials of roles are not served

	// Audit is called before credentials are provided. If Audit returns an error, the credentials are not provided.
	// Audit may be nil.
	Audit func(AuditEvent) error
}

// A Digest is the digest of a token. It is stored instead of the token.
type Digest [sha256.Size]byte

// DigestOf returns the digest of a token.
func DigestOf(token string) Digest { return sha256.Sum256([]byte(token)) }

// matches reports whether d is the digest of token. It compares in constant time.
func (d Digest) matches(token string) bool {
	other := DigestOf(token)
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// rolePath precedes the ARN of a role in the path of a request.
const rolePath = "/role-arn/"

// ServeHTTP serves one request.
func (e *ECS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, arn, refusal := e.route(r)
	if refusal != nil {
		Refuse(w, *refusal)
		return
	}
	cache := m.Cache
	if arn != "" {
		cache = m.Roles.cache(arn)
	}
	cached, err := cache.Get(r.Context())
	if err != nil {
		Refuse(w, toRefusal(e.Explain, err))
		return
	}
	if refusal := auditRequest(m.Audit, r, AuditEvent{Role: arn, Expires: cached.Credentials.Expires}); refusal != nil {
		Refuse(w, *refusal)
		return
	}
	writeCredentials(w, cached.ecsBody())
}

// route returns the mount that the request is for, and the ARN of the requested role. The ARN is empty if the
// request is for the profile itself. A wrong token is refused with status 403, as in aws-vault 7. Status 401 would
// mean that the client should send another token, but SDKs have only one token.
func (e *ECS) route(r *http.Request) (m *Mount, arn string, refusal *Refusal) {
	if refusal := e.Filter.check(r, http.MethodGet, http.MethodHead); refusal != nil {
		return nil, "", refusal
	}
	m, rest := e.findMount(r.URL.Path)
	if !m.Token.matches(r.Header.Get("Authorization")) || m.Cache == nil {
		return nil, "", &Refusal{http.StatusForbidden, "InvalidToken", "the Authorization header does not contain the token for this path"}
	}
	if rest == "" || rest == "/" {
		return m, "", nil
	}
	arn, role := strings.CutPrefix(rest, rolePath)
	if !role || m.Roles == nil {
		return nil, "", &Refusal{http.StatusNotFound, "NotFound", "path not found, expected / or " + rolePath + "ARN"}
	}
	if !isRoleARN(arn) {
		return nil, "", &Refusal{http.StatusBadRequest, "InvalidRoleArn", quoted(arn) + " is not the ARN of a role"}
	}
	return m, arn, nil
}

// unknownMount is the mount of all unknown paths. No client knows its token. So a request for an unknown path
// receives the same response as a request with a wrong token.
var unknownMount = new(Mount)

// findMount returns the mount whose path is a prefix of the requested path. If there are several such mounts, it
// returns the one with the longest path. It also returns the rest of the requested path.
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

// Refuse writes an error response in the format that SDKs expect. The JavaScript SDK reads the fields with
// capitalised names, and the other SDKs read the fields with lower-case names.
func Refuse(w http.ResponseWriter, refusal Refusal) {
	if refusal.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD")
	}
	writeJSON(w, refusal.Status, struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		CodeAgain    string `json:"Code"`
		MessageAgain string `json:"Message"`
	}{refusal.Code, refusal.Message, refusal.Code, refusal.Message})
}

// isRoleARN reports whether s has the form of a role's ARN. It does not check all details, because AWS checks them.
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
