package fakeaws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	amzTime     = "20060102T150405Z"
	maxSkew     = 5 * time.Minute
	sigMismatch = "SignatureDoesNotMatch"
)

// signature is a parsed Authorization header.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signature struct {
	keyID, date, region, service string
	headers                      []string
	sum                          string
}

// parseSignature parses an Authorization header. If that fails, it returns AWS's error IncompleteSignature.
func parseSignature(text string) (signature, error) {
	var s signature
	bad := func(what string) (signature, error) {
		return signature{}, refuse(400, "IncompleteSignature", "Authorization header: %s", what)
	}
	rest, ok := strings.CutPrefix(text, algorithm+" ")
	if !ok {
		return bad("the algorithm is not " + algorithm)
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return bad("Credential must have five parts and end in aws4_request")
			}
			s.keyID, s.date, s.region, s.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.sum = value
		}
	}
	switch {
	case s.keyID == "":
		return bad("requires 'Credential' parameter")
	case s.sum == "":
		return bad("requires 'Signature' parameter")
	case !slices.Contains(s.headers, "host") || !slices.Contains(s.headers, "x-amz-date"):
		return bad("SignedHeaders must name host and x-amz-date")
	case !slices.IsSorted(s.headers):
		return bad("SignedHeaders must be sorted")
	}
	return s, nil
}

// authenticate sets the caller of a request to the principal that signed it. It returns an error if the signature is
// wrong.
func (a *AWS) authenticate(r *request) error {
	header := r.http.Header.Get("Authorization")
	if header == "" {
		return refuse(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	s, err := parseSignature(header)
	if err != nil {
		return err
	}
	r.call.AccessKeyID, r.call.Region = s.keyID, s.region
	if err := s.checkScope(r); err != nil {
		return err
	}
	sessionToken := r.http.Header.Get("X-Amz-Security-Token")
	secret, caller, err := a.keyOf(s.keyID, sessionToken, r.now)
	if err != nil {
		return err
	}
	if sessionToken != "" && !slices.Contains(s.headers, "x-amz-security-token") {
		return refuse(403, sigMismatch, "'X-Amz-Security-Token' must be a signed header")
	}
	if !hmac.Equal([]byte(s.sign(r.http, r.body, secret)), []byte(s.sum)) {
		return refuse(403, sigMismatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if k := a.keys[s.keyID]; k != nil {
		k.used, k.usedService, k.usedRegion = r.now, s.service, s.region
	}
	r.caller = caller
	r.call.Caller, r.call.by = caller.arn, caller.short()
	return nil
}

// checkScope refuses a signature that is for another service, or whose time is too far from now.
func (s signature) checkScope(r *request) error {
	stamp := r.http.Header.Get("X-Amz-Date")
	at, err := time.Parse(amzTime, stamp)
	if err != nil {
		return refuse(400, "IncompleteSignature", "Date must be in ISO-8601 'basic format'. Got '%s'.", stamp)
	}
	if !strings.HasPrefix(stamp, s.date+"T") {
		return refuse(403, sigMismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", s.date, stamp[:8], stamp)
	}
	if s.region == "" {
		return refuse(403, sigMismatch, "Credential should be scoped to a valid region.")
	}
	if s.service != r.service {
		return refuse(403, sigMismatch, "Credential should be scoped to correct service: '%s'.", r.service)
	}
	now := r.now.UTC()
	if edge := now.Add(-maxSkew); at.Before(edge) {
		return refuse(403, sigMismatch, "Signature expired: %s is now earlier than %s (%s - 5 min.)", stamp, edge.Format(amzTime), now.Format(amzTime))
	}
	if edge := now.Add(maxSkew); at.After(edge) {
		return refuse(403, sigMismatch, "Signature not yet current: %s is still later than %s (%s + 5 min.)", stamp, edge.Format(amzTime), now.Format(amzTime))
	}
	return nil
}

// sign returns the signature that the request must have, in hexadecimal.
func (s signature) sign(r *http.Request, body []byte, secret string) string {
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, r.Header.Get("X-Amz-Date"), scope, digest([]byte(s.canonical(r, body)))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// canonical returns the canonical request. Client and server sign its hash. The canonical request contains the
// hash of the received body, so the signature is wrong if the body was changed.
func (s signature) canonical(r *http.Request, body []byte) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	var headers strings.Builder
	for _, name := range s.headers {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{
		r.Method, path, canonicalQuery(r.URL.Query()), headers.String(), strings.Join(s.headers, ";"), digest(body),
	}, "\n")
}

// headerValue returns a header's value. It replaces several spaces in a row with one space. Host and
// Content-Length come from fields of r, because net/http does not store them in r.Header.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var values []string
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

func canonicalQuery(query url.Values) string {
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
