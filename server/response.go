package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"aws-vault/vault/peer"
)

// A Refusal is the error that a response reports. Its text must not contain secrets.
type Refusal struct {
	Status  int // HTTP status code
	Code    string
	Message string
}

// A body is the body of a response with credentials. It is encoded only once, for all clients.
type body struct {
	once   sync.Once
	text   []byte
	length []string // value of the Content-Length header
}

func (b *body) encode(v any) *body {
	b.once.Do(func() {
		b.text = encode(v)
		b.length = []string{strconv.Itoa(len(b.text))}
	})
	return b
}

// encode returns v as one line of JSON. It ignores errors, because every value in this package can be encoded.
func encode(v any) []byte {
	text, _ := json.Marshal(v)
	return append(text, '\n')
}

// ecsBody returns the body of a response in the format of the container credentials endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (h *CachedCredentials) ecsBody() *body {
	return h.ecs.encode(struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      string
		AccountID       string `json:"AccountId,omitempty"`
	}{h.Credentials.AccessKeyID, h.Credentials.SecretAccessKey, h.Credentials.SessionToken, formatTime(h.Credentials.Expires), h.Credentials.AccountID})
}

// ec2Body returns the body of a response in the format of the metadata service.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func (h *CachedCredentials) ec2Body() *body {
	return h.ec2.encode(struct {
		Code            string
		LastUpdated     string
		Type            string
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      string
		AccountID       string `json:"AccountId,omitempty"`
	}{
		"Success", formatTime(h.Created), "AWS-HMAC", h.Credentials.AccessKeyID, h.Credentials.SecretAccessKey, h.Credentials.SessionToken,
		formatTime(h.Credentials.Expires), h.Credentials.AccountID,
	})
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// These are values of headers. All responses share them, so no code may change them. The Go SDK parses an error
// only if the content type is exactly application/json.
var (
	typeJSON = []string{"application/json"}
	typeText = []string{"text/plain"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
)

func writeCredentials(w http.ResponseWriter, b *body) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"], header["Content-Length"] = typeJSON, noStore, b.length
	w.Write(b.text) // ignore the error, which means that the client has disconnected
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"], header["X-Content-Type-Options"] = typeJSON, noStore, noSniff
	w.WriteHeader(status)
	w.Write(encode(v))
}

func writeText(w http.ResponseWriter, status int, text string) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"], header["X-Content-Type-Options"] = typeText, noStore, noSniff
	w.WriteHeader(status)
	w.Write([]byte(text))
}

// toRefusal converts err to a Refusal with the function explain, which may be nil.
func toRefusal(explain func(error) Refusal, err error) Refusal {
	if explain == nil {
		return Refusal{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	return explain(err)
}

// An AuditEvent describes the credentials that a client is about to receive.
type AuditEvent struct {
	Role    string // ARN of the requested role; empty if the profile itself was requested
	Peer    peer.Process
	Expires time.Time
}

// auditRequest calls the function audit, which may be nil. If audit returns an error, auditRequest returns a Refusal.
func auditRequest(audit func(AuditEvent) error, r *http.Request, h AuditEvent) *Refusal {
	if audit == nil || r.Method == http.MethodHead {
		return nil
	}
	h.Peer = peer.FromRequest(r).Process()
	if err := audit(h); err != nil {
		return &Refusal{http.StatusInternalServerError, "AuditFailed", "credentials are not provided because the audit log cannot be written: " + err.Error()}
	}
	return nil
}
