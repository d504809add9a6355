package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"aws-vault/vault/peer"
)

// A Refusal is an error as a client reads it. What it says holds no secret.
type Refusal struct {
	Status  int // of HTTP
	Code    string
	Message string
}

// A body is what carries credentials to a client. It is written once for all clients.
type body struct {
	once   sync.Once
	text   []byte
	length []string // as a header
}

func (b *body) encode(v any) *body {
	b.once.Do(func() {
		b.text = encode(v)
		b.length = []string{strconv.Itoa(len(b.text))}
	})
	return b
}

// encode writes one line of JSON. What is written here always can be.
func encode(v any) []byte {
	text, _ := json.Marshal(v)
	return append(text, '\n')
}

// ecsBody is what the container endpoint answers.
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

// ec2Body is what the metadata service answers.
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

// The values of headers, which are only read. The Go SDK reads an error of exactly this
// type.
var (
	typeJSON = []string{"application/json"}
	typeText = []string{"text/plain"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
)

func writeCredentials(w http.ResponseWriter, b *body) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"], header["Content-Length"] = typeJSON, noStore, b.length
	w.Write(b.text) // who has gone needs no answer
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

// toRefusal turns what could not be made into an answer.
func toRefusal(by func(error) Refusal, err error) Refusal {
	if by == nil {
		return Refusal{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	return by(err)
}

// A Handout is one set of credentials that is given to somebody.
type AuditEvent struct {
	Profile string
	Role    string // the ARN of a role that was asked for; empty for the profile itself
	Peer    peer.Process
	Expires time.Time
}

// auditRequest tells an audit, if there is one, what a request is about to be given, and returns
// why it is not given.
func auditRequest(audit func(AuditEvent) error, r *http.Request, h AuditEvent) *Refusal {
	if audit == nil || r.Method == http.MethodHead {
		return nil
	}
	h.Peer = peer.FromRequest(r).Process()
	if err := audit(h); err != nil {
		return &Refusal{http.StatusInternalServerError, "AuditFailed", "credentials are handed out only where that can be written down: " + err.Error()}
	}
	return nil
}
