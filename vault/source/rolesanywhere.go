package source

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/certificate"
	"aws-vault/vault/plan"
)

// CertificateTimeError is returned for a certificate that AWS would refuse now.
type CertificateTimeError struct {
	Path        string
	From, Until time.Time
	Now         time.Time // by AWS's clock, as far as that is known
}

func (e *CertificateTimeError) Error() string {
	if e.Now.Before(e.From) {
		return fmt.Sprintf("%s: the certificate is valid from %s, and it is %s", e.Path, stamp(e.From), stamp(e.Now))
	}
	return fmt.Sprintf("%s: the certificate was valid until %s", e.Path, stamp(e.Until))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// KeyMismatchError is returned for a certificate that is of another key.
type KeyMismatchError struct{ Certificate, PrivateKey string }

func (e *KeyMismatchError) Error() string {
	return fmt.Sprintf("%s: its first certificate is not of the key %s", e.Certificate, e.PrivateKey)
}

// errNoCard is for a program that was built without cards.
var errNoCard = errors.New("cards are not in this build")

const actionAnywhere = "CreateSession"

// rolesAnywhere signs for a role with the key of a certificate. The request is signed once and
// sent up to three times: a card may want a touch for each signature.
func (d *Deps) rolesAnywhere(ctx context.Context, s plan.Step, spec plan.RolesAnywhere) (aws.Credentials, error) {
	at, err := serviceAnywhere.at(s.Region, s.Endpoint)
	if err != nil {
		return aws.Credentials{}, err
	}
	c := call{action: actionAnywhere, about: spec.Role, step: s, place: siteOf(at.url)}
	if err := d.checkEndpoint(s.Endpoint); err != nil {
		return aws.Credentials{}, err
	}
	chain, fingerprint, err := d.chain(spec)
	if err != nil {
		return aws.Credentials{}, err
	}
	if fingerprint != spec.Fingerprint {
		spec.Fingerprint = fingerprint
		return aws.Credentials{}, &OtherCallerError{Of: "the certificate of profile " + s.Profile, Now: spec}
	}
	slot, onCard := plan.Slot(spec.PrivateKey)
	if onCard {
		d.measure(ctx, s.Endpoint, at.url) // a signature that a wrong clock spoils costs a touch
	}
	if err := d.timely(spec, chain[0]); err != nil {
		return aws.Credentials{}, err
	}
	var out aws.Credentials
	sign := func(key crypto.Signer) error {
		if !certificate.IsOf(chain[0], key.Public()) {
			return &KeyMismatchError{spec.Certificate, spec.PrivateKey}
		}
		out, err = d.createSession(ctx, c, at, x509Signer{key, chain}, spec)
		return err
	}
	if !onCard {
		key, err := d.privateKey(spec.PrivateKey)
		if err != nil {
			return aws.Credentials{}, err
		}
		err = sign(key)
		return out, err
	}
	if d.Card == nil {
		return aws.Credentials{}, fmt.Errorf("private_key of profile %s: %w", s.Profile, errNoCard)
	}
	err = d.Card(ctx, slot, chain[0].PublicKey, sign)
	return out, err
}

// CheckCertificate says until when the certificate of a step is good, or why it cannot be used.
// It asks neither AWS nor a card, so that a card's key may turn out to be another.
func (d *Deps) CheckCertificate(spec plan.RolesAnywhere) (until time.Time, err error) {
	chain, _, err := d.chain(spec)
	if err != nil {
		return time.Time{}, err
	}
	if err := d.timely(spec, chain[0]); err != nil {
		return time.Time{}, err
	}
	if _, onCard := plan.Slot(spec.PrivateKey); onCard {
		return chain[0].NotAfter, nil
	}
	key, err := d.privateKey(spec.PrivateKey)
	if err != nil {
		return time.Time{}, err
	}
	if !certificate.IsOf(chain[0], key.Public()) {
		return time.Time{}, &KeyMismatchError{spec.Certificate, spec.PrivateKey}
	}
	return chain[0].NotAfter, nil
}

// timely refuses a certificate whose time is over, or has not come.
func (d *Deps) timely(spec plan.RolesAnywhere, c *x509.Certificate) error {
	if now := d.Clock.Now(); now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return &CertificateTimeError{spec.Certificate, c.NotBefore, c.NotAfter, now}
	}
	return nil
}

// chain reads the certificates of a step, and the fingerprint of their file.
func (d *Deps) chain(spec plan.RolesAnywhere) (chain []*x509.Certificate, fingerprint string, err error) {
	text, err := d.read(spec.Certificate, certificate.MaxFile)
	if err != nil {
		return nil, "", fmt.Errorf("certificate: %w", err)
	}
	if chain, err = certificate.Chain(text); err != nil {
		return nil, "", fmt.Errorf("%s: %w", spec.Certificate, err)
	}
	return chain, plan.Fingerprint(string(text)), nil
}

// privateKey reads a key, and says if others may read it too.
func (d *Deps) privateKey(path string) (crypto.Signer, error) {
	f, err := d.Open(path)
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	if file, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := file.Stat(); err == nil && sharedMode(info.Mode()) {
			d.tellOnce(fmt.Sprintf("others may read the private key %s (mode %04o)", path, info.Mode().Perm()))
		}
	}
	f.Close()
	text, err := d.read(path, certificate.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	key, err := certificate.Key(text)
	clear(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// anywhereAsk is what CreateSession takes besides the ARNs, which stand in the address.
type anywhereAsk struct {
	Seconds     int    `json:"durationSeconds,omitempty"`
	SessionName string `json:"roleSessionName,omitempty"`
}

// createSession makes the call within the deadline. Where AWS refuses it and its clock turns
// out to be another, it is signed anew, once.
func (d *Deps) createSession(ctx context.Context, c call, at address, signer x509Signer, spec plan.RolesAnywhere) (aws.Credentials, error) {
	body, err := json.Marshal(anywhereAsk{int(c.step.Lasts.Seconds()), spec.SessionName})
	if err != nil {
		return aws.Credentials{}, err
	}
	hc, err := d.clientFor(c.step.Endpoint, formJSON)
	if err != nil {
		return aws.Credentials{}, err
	}
	at.url += "/sessions?" + url.Values{
		"profileArn": {spec.Profile}, "roleArn": {spec.Role}, "trustAnchorArn": {spec.TrustAnchor},
	}.Encode()
	var got answer
	signed := func(ctx context.Context) error {
		q, err := signer.request(at, body, d.Clock.Now())
		if err != nil {
			return err
		}
		return d.try(ctx, false, func() (err error) {
			got, err = d.send(ctx, hc, q, readJSONError)
			return err
		})
	}
	err = d.unsigned(ctx, c, func(ctx context.Context) error {
		skew := d.Clock.Skew()
		err := signed(ctx)
		if d.dated(skew, err) {
			err = signed(ctx)
		}
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.anywhereCredentials(got.body)
}

// anywhereAnswer is what CreateSession gives.
type anywhereAnswer struct {
	Set []struct {
		Credentials struct {
			AccessKeyID     string    `json:"accessKeyId"`
			SecretAccessKey string    `json:"secretAccessKey"`
			SessionToken    string    `json:"sessionToken"`
			Expiration      time.Time `json:"expiration"`
		} `json:"credentials"`
	} `json:"credentialSet"`
}

func (c call) anywhereCredentials(body []byte) (aws.Credentials, error) {
	var a anywhereAnswer
	if json.Unmarshal(body, &a) != nil || len(a.Set) == 0 {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, c.place)
	}
	given := a.Set[0].Credentials
	out := aws.Credentials{
		AccessKeyID: given.AccessKeyID, SecretAccessKey: given.SecretAccessKey, SessionToken: given.SessionToken,
		CanExpire: true, Expires: given.Expiration, AccountID: accountOf(c.about),
	}
	if flaw(out) != "" || out.SessionToken == "" || out.Expires.IsZero() {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, c.place)
	}
	return out, nil
}
