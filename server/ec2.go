package server

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
)

// EC2 serves credentials and the region in the same way as the EC2 instance metadata service. Version 2 of that
// service requires a token, but any client that can send a PUT request can get a token. So the token does not
// protect the credentials. Only the Filter protects them.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
type EC2 struct {
	Filter Filter
	Cache  *CredentialCache
	Region string // the region; empty if the profile has none
	V1     bool   // whether requests without a token are served, as version 1 of the service does
	Tokens *Tokens
	// Explain has the same meaning as in ECS, and Audit the same as in Mount.
	Explain func(error) Refusal
	Audit   func(AuditEvent) error
}

// metadata is the IP address at which programs look for the metadata service by default.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
var metadata = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// MetadataHosts returns the Host headers that clients send if they use the metadata service's own address.
func MetadataHosts() []string { return []string{metadata.String(), metadata.String() + ":80"} }

const metadataPort = 80

// roleName is the name of the instance's role, and instanceID is the ID of the instance. aws-vault 7 has the same
// values.
const (
	roleName   = "local-credentials"
	instanceID = "aws-vault"
)

// These are paths of the metadata service.
const (
	tokenPath       = "/latest/api/token"
	credentialsPath = "/latest/meta-data/iam/security-credentials"
	identityPath    = "/latest/dynamic/instance-identity/document"
)

// text returns the response for a metadata path without a final slash, and whether the path exists. The response
// for a directory lists names. In this list, a name with a final slash is a directory.
func (e *EC2) text(path string) (text string, ok bool) {
	switch path {
	case "":
		return "latest/", true
	case "/latest":
		return "dynamic/\nmeta-data/", true
	case "/latest/dynamic":
		return "instance-identity/", true
	case "/latest/dynamic/instance-identity":
		return "document", true
	case "/latest/meta-data":
		return "iam/\ninstance-id\nplacement/", true
	case "/latest/meta-data/iam":
		return "info\nsecurity-credentials/", true
	case credentialsPath:
		return roleName, true
	case "/latest/meta-data/instance-id":
		return instanceID, true
	case "/latest/meta-data/placement":
		return "availability-zone\nregion", e.Region != ""
	case "/latest/meta-data/placement/region":
		return e.Region, e.Region != ""
	case "/latest/meta-data/placement/availability-zone":
		return e.zone(), e.Region != ""
	}
	return "", false
}

// ServeHTTP serves one request.
func (e *EC2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	methods := []string{http.MethodGet, http.MethodHead}
	if path == tokenPath {
		methods = []string{http.MethodPut}
	}
	if refusal := e.Filter.check(r, methods...); refusal != nil {
		if refusal.Status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", strings.Join(methods, ", "))
		}
		writeText(w, refusal.Status, refusal.Message+"\n")
		return
	}
	if path == tokenPath {
		e.Tokens.serve(w, r)
		return
	}
	if !e.mayRead(r) {
		writeText(w, http.StatusUnauthorized, "the header "+tokenHeader+" with a token from PUT "+tokenPath+" is missing or wrong\n")
		return
	}
	switch path {
	case credentialsPath + "/" + roleName:
		e.credentials(w, r)
	case "/latest/meta-data/iam/info":
		e.info(w, r)
	case identityPath:
		e.identity(w, r)
	default:
		text, ok := e.text(path)
		if !ok {
			writeText(w, http.StatusNotFound, "not found\n")
			return
		}
		writeText(w, http.StatusOK, text)
	}
}

// mayRead reports whether the request has a valid token, or has no token and needs none. A request with an invalid
// token is refused even if version 1 is allowed, because a client that sends a token uses version 2.
func (e *EC2) mayRead(r *http.Request) bool {
	tokens, ok := r.Header[http.CanonicalHeaderKey(tokenHeader)]
	if !ok {
		return e.V1
	}
	return len(tokens) == 1 && e.Tokens.valid(tokens[0])
}

// zone returns the name of an availability zone in the region. Some clients remove the last letter of this name to
// get the region.
func (e *EC2) zone() string {
	if e.Region == "" {
		return ""
	}
	return e.Region + "a"
}

// credentials serves the credentials of the role.
func (e *EC2) credentials(w http.ResponseWriter, r *http.Request) {
	cached, ok := e.cached(w, r)
	if !ok {
		return
	}
	if refusal := auditRequest(e.Audit, r, AuditEvent{Expires: cached.Credentials.Expires}); refusal != nil {
		e.fail(w, *refusal)
		return
	}
	writeCredentials(w, cached.ec2Body())
}

// cached returns the credentials. If no credentials are available, it writes an error response and returns false.
func (e *EC2) cached(w http.ResponseWriter, r *http.Request) (*CachedCredentials, bool) {
	cached, err := e.Cache.Get(r.Context())
	if err != nil {
		e.fail(w, toRefusal(e.Explain, err))
		return nil, false
	}
	return cached, true
}

func (e *EC2) info(w http.ResponseWriter, r *http.Request) {
	if cached, ok := e.cached(w, r); ok {
		writeJSON(w, http.StatusOK, struct{ Code, LastUpdated string }{"Success", formatTime(cached.Created)})
	}
}

// identity serves the instance identity document. Clients read the region from this document, so identity does not
// wait for credentials. The document contains the account only if credentials are already available.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
func (e *EC2) identity(w http.ResponseWriter, _ *http.Request) {
	document := struct {
		AccountID        string `json:"accountId,omitempty"`
		AvailabilityZone string `json:"availabilityZone,omitempty"`
		InstanceID       string `json:"instanceId"`
		Region           string `json:"region,omitempty"`
		Version          string `json:"version"`
	}{"", e.zone(), instanceID, e.Region, "2017-09-30"}
	if cached := e.Cache.current.Load(); cached != nil {
		document.AccountID = cached.Credentials.AccountID
	}
	text, _ := json.MarshalIndent(document, "", "  ")
	writeText(w, http.StatusOK, string(text))
}

// fail writes an error response in the format that SDKs expect from the metadata service.
func (e *EC2) fail(w http.ResponseWriter, refusal Refusal) {
	writeJSON(w, refusal.Status, struct{ Code, Message, LastUpdated string }{refusal.Code, refusal.Message, formatTime(e.Cache.Clock.Now())})
}
