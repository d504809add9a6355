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

// MaxPage is the most that one of an issuer's files may hold, in bytes.
const MaxPage = 64 << 10

// A Page is what a server answers when it is asked for a file, without following it elsewhere.
type Page struct {
	Status         int
	Type, Location string // as Content-Type and Location have it
	Body           []byte // a byte more than MaxPage is enough of a longer one
}

// A Finding is something wrong with the files that an issuer publishes.
type Finding struct {
	At          string // the file's address, or the issuer's
	Found, Want string
	// Fatal says that AWS refuses the identity's tokens, or takes tokens that others sign. What
	// is not fatal is against a standard, or will be fatal one day.
	Fatal bool
}

func (f Finding) String() string { return f.At + ": " + f.Found + ", want " + f.Want }

// Check fetches what the issuer publishes and returns all that is wrong with it at a time;
// nothing if AWS can know the identity's keys by it, and no others. Whether AWS follows
// redirects, or minds the type of what it reads, is not known: the standards decide here.
func Check(ctx context.Context, fetch func(ctx context.Context, url string) (Page, error), issuer string, keys Record, now time.Time) []Finding {
	c := checker{fetch: fetch, issuer: issuer, at: issuer}
	if err := CheckIssuer(issuer); err != nil {
		c.fatal(err.Error(), "one that AWS takes")
		return c.found
	}
	if !strings.HasPrefix(issuer, "https://") {
		c.fatal("speaks without encryption", "https, the only way that AWS asks")
	}
	if uri := c.discovery(ctx); uri != "" {
		c.keySet(ctx, uri, keys, now)
	}
	return c.found
}

// A checker gathers findings.
type checker struct {
	fetch  func(ctx context.Context, url string) (Page, error)
	issuer string
	at     string // what is looked at
	found  []Finding
}

func (c *checker) say(found, want string) {
	c.found = append(c.found, Finding{At: c.at, Found: found, Want: want})
}

func (c *checker) fatal(found, want string) {
	c.found = append(c.found, Finding{At: c.at, Found: found, Want: want, Fatal: true})
}

// discovery looks at the first file and returns the address of the second; nothing if it does
// not tell one that can be asked.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
func (c *checker) discovery(ctx context.Context) string {
	var d struct {
		Issuer string   `json:"issuer"`
		Keys   string   `json:"jwks_uri"`
		Algs   []string `json:"id_token_signing_alg_values_supported"`
	}
	if !c.read(ctx, c.issuer+"/"+DiscoveryPath, &d, "application/json") {
		return ""
	}
	if d.Issuer != c.issuer {
		c.fatal(fmt.Sprintf("issuer is %.100q", d.Issuer), fmt.Sprintf("%q, letter by letter", c.issuer))
	}
	if !slices.Contains(d.Algs, "ES256") {
		c.say("ES256 is not among id_token_signing_alg_values_supported", "the one algorithm that the tokens are signed by")
	}
	return c.keysAddress(d.Keys)
}

// keysAddress looks at where the keys are said to be.
func (c *checker) keysAddress(uri string) string {
	usual := c.issuer + "/" + KeysPath
	if uri == usual {
		return uri
	}
	found := fmt.Sprintf("jwks_uri is %.100q", uri)
	want := fmt.Sprintf("%q", usual)
	there, err := url.Parse(uri)
	here, _ := url.Parse(c.issuer)
	switch {
	case err != nil || there.Host == "" || there.User != nil || there.Scheme != here.Scheme:
		c.fatal(found, want)
		return ""
	case there.Host != here.Host:
		c.say(found+", so that another host says which keys are the identity's", want)
	default:
		c.say(found, want)
	}
	return uri
}

// read fetches a file and decodes it. It reports whether there is something to look at.
func (c *checker) read(ctx context.Context, address string, into any, types ...string) bool {
	c.at = address
	page, err := c.fetch(ctx, address)
	if err != nil {
		c.fatal("no answer ("+err.Error()+")", "a server that the whole world reaches")
		return false
	}
	switch {
	// A successful answer has this status and no other.
	// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationResponse
	case page.Status >= 300 && page.Status < 400:
		c.fatal(fmt.Sprintf("leads on to %.100q with status %d", page.Location, page.Status), "the file at this very address")
		return false
	case page.Status != http.StatusOK:
		c.fatal(fmt.Sprint("status ", page.Status), "200")
		return false
	case len(page.Body) > MaxPage:
		c.fatal("too large", fmt.Sprintf("at most %d bytes", MaxPage))
		return false
	}
	if kind, _, _ := mime.ParseMediaType(page.Type); !slices.Contains(types, kind) {
		c.say(fmt.Sprintf("content type is %.100q", page.Type), strings.Join(types, " or "))
	}
	if err := json.Unmarshal(page.Body, into); err != nil {
		c.fatal("not understood ("+unread(err)+")", "the JSON that was written to be published")
		return false
	}
	return true
}

// unread says why JSON was not read, without the names that Go has for it.
func unread(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("%.100q is a JSON %s", kind.Field, kind.Value)
	}
	return err.Error()
}

// A shownKey is a key as it is published, and what must not be.
// https://www.rfc-editor.org/rfc/rfc7518#section-6
type shownKey struct {
	jwk
	Secret    json.RawMessage `json:"d"`
	Symmetric json.RawMessage `json:"k"`
}

func (c *checker) keySet(ctx context.Context, uri string, keys Record, now time.Time) {
	var set struct {
		Keys []shownKey `json:"keys"`
	}
	if !c.read(ctx, uri, &set, "application/json", "application/jwk-set+json") {
		return
	}
	seen := map[string]int{}
	for _, k := range set.Keys {
		seen[k.ID]++
		if seen[k.ID] == 2 {
			c.fatal(fmt.Sprintf("key %.100q stands there more than once", k.ID), "each key once")
		}
		c.key(k, keys, now)
	}
	signing, err := keys.Signing(now)
	if err != nil {
		c.fatal(err.Error(), "one that does")
	}
	for _, k := range keys.Published(now) {
		switch {
		case seen[k.ID] > 0:
		case k.ID == signing.ID:
			c.fatal("key "+k.ID+" is missing", "the key that signs")
		case k.Since.After(now):
			c.say("key "+k.ID+" is missing", "it there well before it signs, from "+k.Since.Format(time.RFC3339)+" on")
		default:
			c.say("key "+k.ID+" is missing", "it there for the tokens that it signed last")
		}
	}
}

// key looks at one key that AWS would believe.
func (c *checker) key(k shownKey, keys Record, now time.Time) {
	name := fmt.Sprintf("key %.100q", k.ID)
	if k.Secret != nil || k.Symmetric != nil {
		c.fatal(name+" stands there with its secret half", "another key in its place, since everybody can sign with this one")
	}
	i := slices.IndexFunc(keys.Keys, func(own Key) bool { return own.ID == k.ID })
	if i < 0 {
		c.fatal(name+" is none of the identity's", "it gone, since whoever holds it can sign for the identity")
		return
	}
	if public, err := keys.Keys[i].PublicKey(); err == nil {
		if own, err := newJWK(public); err != nil || k.Type != own.Type || k.Curve != own.Curve || k.X != own.X || k.Y != own.Y {
			c.fatal(name+" is another key than the one of that name here", "the two the same")
		}
	}
	if k.Alg != "" && k.Alg != "ES256" {
		c.fatal(fmt.Sprintf("%s is for %.100q", name, k.Alg), "ES256")
	}
	if k.Use != "" && k.Use != "sig" {
		c.fatal(fmt.Sprintf("%s has the use %.100q", name, k.Use), "sig")
	}
	if !slices.ContainsFunc(keys.Published(now), func(own Key) bool { return own.ID == k.ID }) {
		c.say(name+" still stands there, and signs no more", "it gone")
	}
}
