package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// MaxFileSize is the largest size of a file that an issuer publishes, in bytes.
const MaxFileSize = 64 << 10

// A Response is a server's response to a request for a file. Redirects are not followed.
type Response struct {
	Status                int
	ContentType, Location string // headers Content-Type and Location
	Body                  []byte // content; may be cut off after MaxFileSize+1 bytes
}

// A Finding is a problem with the files that an issuer publishes.
type Finding struct {
	URL             string // URL of the file with the problem, or the issuer
	Found, Expected string
	// Fatal is true if AWS refuses the identity's tokens, or accepts tokens that others signed. A problem that is not
	// fatal violates a standard, or will become fatal later.
	Fatal bool
}

func (f Finding) String() string { return f.URL + ": " + f.Found + ", expected " + f.Expected }

// Check fetches the files that the issuer publishes, and returns the problems that it finds. If it finds none, AWS
// can read the files, and they contain exactly the keys that the identity must publish. Check applies the rules of
// the standards, because it is not known whether AWS follows redirects or checks content types.
func Check(ctx context.Context, fetch func(ctx context.Context, url string) (Response, error), issuer string, keys Record, now time.Time) []Finding {
	c := checker{fetch: fetch, issuer: issuer, url: issuer}
	if err := CheckIssuer(issuer); err != nil {
		c.fail(err.Error(), "an issuer that AWS accepts")
		return c.findings
	}
	if !strings.HasPrefix(issuer, "https://") {
		c.fail("uses plain HTTP", "https, because AWS uses only https")
	}
	if uri := c.checkDiscovery(ctx); uri != "" {
		c.checkKeySet(ctx, uri, keys, now)
	}
	return c.findings
}

// A checker collects findings.
type checker struct {
	fetch    func(ctx context.Context, url string) (Response, error)
	issuer   string
	url      string // URL of the file that is being checked
	findings []Finding
}

func (c *checker) warn(found, expected string) {
	c.findings = append(c.findings, Finding{URL: c.url, Found: found, Expected: expected})
}

func (c *checker) fail(found, expected string) {
	c.findings = append(c.findings, Finding{URL: c.url, Found: found, Expected: expected, Fatal: true})
}

// checkDiscovery checks the discovery file and returns the URL of the key set, or "" if the file has no usable URL.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
func (c *checker) checkDiscovery(ctx context.Context) string {
	var d struct {
		Issuer string   `json:"issuer"`
		Keys   string   `json:"jwks_uri"`
		Algs   []string `json:"id_token_signing_alg_values_supported"`
	}
	if !c.read(ctx, c.issuer+"/"+DiscoveryPath, &d, "application/json") {
		return ""
	}
	if d.Issuer != c.issuer {
		c.fail(fmt.Sprintf("issuer is %.100q", d.Issuer), fmt.Sprintf("exactly %q", c.issuer))
	}
	if !slices.Contains(d.Algs, "ES256") {
		c.warn("id_token_signing_alg_values_supported does not contain ES256", "ES256, the algorithm of the signatures")
	}
	return c.checkKeysURL(d.Keys)
}

// checkKeysURL checks the URL of the key set. It returns "" if the URL is unusable.
func (c *checker) checkKeysURL(uri string) string {
	usual := c.issuer + "/" + KeysPath
	if uri == usual {
		return uri
	}
	found := fmt.Sprintf("jwks_uri is %.100q", uri)
	expected := fmt.Sprintf("%q", usual)
	keysURL, err := url.Parse(uri)
	issuerURL, _ := url.Parse(c.issuer)
	switch {
	case err != nil || keysURL.Host == "" || keysURL.User != nil || keysURL.Scheme != issuerURL.Scheme:
		c.fail(found, expected)
		return ""
	case keysURL.Host != issuerURL.Host:
		c.warn(found+" on another host, which could publish other keys", expected)
	default:
		c.warn(found, expected)
	}
	return uri
}

// read fetches the file at address, and decodes its JSON into the value into. The argument types lists the accepted
// content types. The method adds problems to the findings, and reports whether the file was decoded.
func (c *checker) read(ctx context.Context, address string, into any, types ...string) bool {
	c.url = address
	resp, err := c.fetch(ctx, address)
	if err != nil {
		c.fail("no response ("+err.Error()+")", "a server that is reachable from the internet")
		return false
	}
	switch {
	// A redirect is a problem, because the standard requires status 200 for a successful response.
	// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationResponse
	case resp.Status >= 300 && resp.Status < 400:
		c.fail(fmt.Sprintf("redirects to %.100q with status %d", resp.Location, resp.Status), "the file at this URL")
		return false
	case resp.Status != http.StatusOK:
		c.fail(fmt.Sprint("status ", resp.Status), "200")
		return false
	case len(resp.Body) > MaxFileSize:
		c.fail("too large", fmt.Sprintf("at most %d bytes", MaxFileSize))
		return false
	}
	if kind, _, _ := mime.ParseMediaType(resp.ContentType); !slices.Contains(types, kind) {
		c.warn(fmt.Sprintf("content type is %.100q", resp.ContentType), strings.Join(types, " or "))
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		c.fail("cannot be decoded ("+jsonProblem(err)+")", "the JSON file that aws-vault wrote")
		return false
	}
	return true
}

// jsonProblem describes a JSON error without the names of Go types.
func jsonProblem(err error) string {
	var typeErr *json.UnmarshalTypeError
	if errors.As(err, &typeErr) {
		return fmt.Sprintf("%.100q is a JSON %s", typeErr.Field, typeErr.Value)
	}
	return err.Error()
}

// A publishedKey is a key in a published key set. Its members Private and Symmetric are secrets, so they must be
// missing.
// https://www.rfc-editor.org/rfc/rfc7518#section-6
type publishedKey struct {
	jwk
	Private   json.RawMessage `json:"d"`
	Symmetric json.RawMessage `json:"k"`
}

func (c *checker) checkKeySet(ctx context.Context, uri string, keys Record, now time.Time) {
	var set struct {
		Keys []publishedKey `json:"keys"`
	}
	if !c.read(ctx, uri, &set, "application/json", "application/jwk-set+json") {
		return
	}
	seen := map[string]int{}
	for _, k := range set.Keys {
		seen[k.ID]++
		if seen[k.ID] == 2 {
			c.fail(fmt.Sprintf("key %.100q is listed more than once", k.ID), "each key once")
		}
		c.checkKey(k, keys, now)
	}
	signing, err := keys.SigningKey(now)
	if err != nil {
		c.fail(err.Error(), "a key that signs now")
	}
	for _, k := range keys.PublishedKeys(now) {
		switch {
		case seen[k.ID] > 0:
		case k.ID == signing.ID:
			c.fail("key "+k.ID+" is missing", "the key that signs")
		case k.SignsFrom.After(now):
			c.warn("key "+k.ID+" is missing", "it to be published well before it begins to sign at "+k.SignsFrom.Format(time.RFC3339))
		default:
			c.warn("key "+k.ID+" is missing", "it to be published until its last tokens have expired")
		}
	}
}

// checkKey checks one key of the key set. AWS trusts all keys in the set.
func (c *checker) checkKey(k publishedKey, keys Record, now time.Time) {
	name := fmt.Sprintf("key %.100q", k.ID)
	if k.Private != nil || k.Symmetric != nil {
		c.fail(name+" is published with its private key", "a new key instead, because anyone can sign with this one")
	}
	i := slices.IndexFunc(keys.Keys, func(own Key) bool { return own.ID == k.ID })
	if i < 0 {
		c.fail(name+" is not a key of this identity", "it to be removed, because its holder can sign for the identity")
		return
	}
	if public, err := keys.Keys[i].PublicKey(); err == nil {
		if own, err := newJWK(public); err != nil || k.Type != own.Type || k.Curve != own.Curve || k.X != own.X || k.Y != own.Y {
			c.fail(name+" differs from the key with the same ID on this computer", "the same key")
		}
	}
	if k.Alg != "" && k.Alg != "ES256" {
		c.fail(fmt.Sprintf("%s has the algorithm %.100q", name, k.Alg), "ES256")
	}
	if k.Use != "" && k.Use != "sig" {
		c.fail(fmt.Sprintf("%s has the use %.100q", name, k.Use), "sig")
	}
	if !slices.ContainsFunc(keys.PublishedKeys(now), func(own Key) bool { return own.ID == k.ID }) {
		c.warn(name+" is still published but no longer signs", "it to be removed")
	}
}
