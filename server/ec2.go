package server

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
)

// EC2 answers as the metadata service of an instance does, as far as credentials and the
// region go. Version 2 asks for a token, which anybody who can send a PUT gets: what keeps
// others out is the Guard.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
type EC2 struct {
	Filter  Filter
	Profile string
	Cache   *CredentialCache
	Region  string // empty for none
	V1      bool   // answer those who have no token, as version 1 does
	Tokens  *Tokens
	// Explain and Audit are as for ECS.
	Explain func(error) Refusal
	Audit   func(AuditEvent) error
}

// metadata is where programs look for the metadata service that know no other place.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
var metadata = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// MetadataHosts are the names by which the metadata service is asked at its own address.
func MetadataHosts() []string { return []string{metadata.String(), metadata.String() + ":80"} }

const metadataPort = 80

// roleName is what the instance's role is called, and instanceID the instance, as with
// aws-vault 7.
const (
	roleName   = "local-credentials"
	instanceID = "aws-vault"
)

// Where things are, below the host.
const (
	tokenPath       = "/latest/api/token"
	credentialsPath = "/latest/meta-data/iam/security-credentials"
	identityPath    = "/latest/dynamic/instance-identity/document"
)

// text is what stands under a path without its last slash. Lists name what is below
// them with a slash where they go on.
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

// ServeHTTP answers one request.
func (e *EC2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	methods := []string{http.MethodGet, http.MethodHead}
	if path == tokenPath {
		methods = []string{http.MethodPut}
	}
	if no := e.Filter.check(r, methods...); no != nil {
		if no.Status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", strings.Join(methods, ", "))
		}
		writeText(w, no.Status, no.Message+"\n")
		return
	}
	if path == tokenPath {
		e.Tokens.serve(w, r)
		return
	}
	if !e.mayRead(r) {
		writeText(w, http.StatusUnauthorized, "a token is wanted in "+tokenHeader+", from PUT "+tokenPath+"\n")
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
			writeText(w, http.StatusNotFound, "nothing is here\n")
			return
		}
		writeText(w, http.StatusOK, text)
	}
}

// mayRead reports whether a request has a token, or needs none. A wrong one is refused by
// version 1 too: it was meant for version 2.
func (e *EC2) mayRead(r *http.Request) bool {
	shown, ok := r.Header[http.CanonicalHeaderKey(tokenHeader)]
	if !ok {
		return e.V1
	}
	return len(shown) == 1 && e.Tokens.valid(shown[0])
}

// zone is the first of the region, which each region has.
func (e *EC2) zone() string {
	if e.Region == "" {
		return ""
	}
	return e.Region + "a"
}

// credentials hands credentials out.
func (e *EC2) credentials(w http.ResponseWriter, r *http.Request) {
	held, ok := e.cached(w, r)
	if !ok {
		return
	}
	if no := auditRequest(e.Audit, r, AuditEvent{Profile: e.Profile, Expires: held.Credentials.Expires}); no != nil {
		e.fail(w, *no)
		return
	}
	writeCredentials(w, held.ec2Body())
}

// result gets the credentials, or answers with what went wrong.
func (e *EC2) cached(w http.ResponseWriter, r *http.Request) (*CachedCredentials, bool) {
	held, err := e.Cache.Get(r.Context())
	if err != nil {
		e.fail(w, toRefusal(e.Explain, err))
		return nil, false
	}
	return held, true
}

func (e *EC2) info(w http.ResponseWriter, r *http.Request) {
	if held, ok := e.cached(w, r); ok {
		writeJSON(w, http.StatusOK, struct{ Code, LastUpdated string }{"Success", formatTime(held.Created)})
	}
}

// identity is what an instance knows of itself. Clients read the region from it, so it
// does not wait for credentials; the account is known where they are.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
func (e *EC2) identity(w http.ResponseWriter, _ *http.Request) {
	document := struct {
		AccountID        string `json:"accountId,omitempty"`
		AvailabilityZone string `json:"availabilityZone,omitempty"`
		InstanceID       string `json:"instanceId"`
		Region           string `json:"region,omitempty"`
		Version          string `json:"version"`
	}{"", e.zone(), instanceID, e.Region, "2017-09-30"}
	if held := e.Cache.current.Load(); held != nil {
		document.AccountID = held.Credentials.AccountID
	}
	text, _ := json.MarshalIndent(document, "", "  ")
	writeText(w, http.StatusOK, string(text))
}

// fail answers with an error as the SDKs read it from the metadata service.
func (e *EC2) fail(w http.ResponseWriter, no Refusal) {
	writeJSON(w, no.Status, struct{ Code, Message, LastUpdated string }{no.Code, no.Message, formatTime(e.Cache.Clock.Now())})
}
