package source

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/certificate"
	"aws-vault/vault/plan"
)

// CertificateTimeError reports a certificate that has expired or is not valid yet.
type CertificateTimeError struct {
	Path        string
	From, Until time.Time
	Now         time.Time // current time by AWS's clock, or by the local clock if AWS's time is unknown
}

func (e *CertificateTimeError) Error() string {
	if e.Now.Before(e.From) {
		return fmt.Sprintf("%s: the certificate is valid from %s, but the time is %s", e.Path, formatTime(e.From), formatTime(e.Now))
	}
	return fmt.Sprintf("%s: the certificate expired at %s", e.Path, formatTime(e.Until))
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// KeyMismatchError reports that a certificate does not match the private key.
type KeyMismatchError struct{ Certificate, PrivateKey string }

func (e *KeyMismatchError) Error() string {
	return fmt.Sprintf("%s: the first certificate does not match the key %s", e.Certificate, e.PrivateKey)
}

// errNoCard is returned by builds without card support.
var errNoCard = errors.New("this build does not support security keys")

// rolesAnywhere gets a role's credentials with a request that the key of a certificate signs.
func (d *Deps) rolesAnywhere(ctx context.Context, s plan.Step, spec plan.RolesAnywhere) (aws.Credentials, error) {
	service := awsapi.RolesAnywhere{Client: d.AWS, Target: target(s)}
	if err := service.Check(); err != nil {
		return aws.Credentials{}, err
	}
	chain, fingerprint, err := readChain(d.Open, spec)
	if err != nil {
		return aws.Credentials{}, err
	}
	if fingerprint != spec.Fingerprint {
		spec.Fingerprint = fingerprint
		return aws.Credentials{}, &IdentityChangedError{Source: "the certificate of profile " + s.Profile, Spec: spec}
	}
	slot, onCard := plan.Slot(spec.PrivateKey)
	if onCard {
		// If the time of the signature is wrong, AWS refuses the request, and the user must touch the key again.
		service.MeasureClock(ctx)
	}
	if err := checkValidity(d.AWS.Clock.Now(), spec, chain[0]); err != nil {
		return aws.Credentials{}, err
	}
	var out aws.Credentials
	sign := func(key crypto.Signer) (err error) {
		if !certificate.Matches(chain[0], key.Public()) {
			return &KeyMismatchError{spec.Certificate, spec.PrivateKey}
		}
		out, err = service.CreateSession(ctx, key, chain, awsapi.RolesAnywhereRequest{
			TrustAnchor: spec.TrustAnchor, Profile: spec.Profile, Role: spec.Role, SessionName: spec.SessionName, Duration: s.Duration,
		})
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

// CheckCertificate returns the time until which the certificate of a step is valid. If the certificate cannot be
// used, the error contains the reason. CheckCertificate calls neither AWS nor a card, so it does not check that a
// card has the right key.
func (d *Deps) CheckCertificate(spec plan.RolesAnywhere) (until time.Time, err error) {
	chain, _, err := readChain(d.Open, spec)
	if err != nil {
		return time.Time{}, err
	}
	if err := checkValidity(d.AWS.Clock.Now(), spec, chain[0]); err != nil {
		return time.Time{}, err
	}
	if _, onCard := plan.Slot(spec.PrivateKey); onCard {
		return chain[0].NotAfter, nil
	}
	key, err := d.privateKey(spec.PrivateKey)
	if err != nil {
		return time.Time{}, err
	}
	if !certificate.Matches(chain[0], key.Public()) {
		return time.Time{}, &KeyMismatchError{spec.Certificate, spec.PrivateKey}
	}
	return chain[0].NotAfter, nil
}

// checkValidity returns an error if a certificate has expired or is not valid yet.
func checkValidity(now time.Time, spec plan.RolesAnywhere, c *x509.Certificate) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return &CertificateTimeError{spec.Certificate, c.NotBefore, c.NotAfter, now}
	}
	return nil
}

// readChain reads the certificate file of a step. It returns the certificates and a fingerprint of the file.
func readChain(open func(string) (io.ReadCloser, error), spec plan.RolesAnywhere) (chain []*x509.Certificate, fingerprint string, err error) {
	text, err := awsapi.ReadFile(open, spec.Certificate, certificate.MaxFile)
	if err != nil {
		return nil, "", fmt.Errorf("certificate: %w", err)
	}
	if chain, err = certificate.ParseChain(text); err != nil {
		return nil, "", fmt.Errorf("%s: %w", spec.Certificate, err)
	}
	return chain, plan.Fingerprint(string(text)), nil
}

// privateKey reads a private key file. It prints a note if other users can read the file.
func (d *Deps) privateKey(path string) (crypto.Signer, error) {
	f, err := d.Open(path)
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	if file, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := file.Stat(); err == nil && readableByOthers(info.Mode()) {
			d.notifyOnce(fmt.Sprintf("other users have access to the private key %s (mode %04o)", path, info.Mode().Perm()))
		}
	}
	f.Close()
	text, err := awsapi.ReadFile(d.Open, path, certificate.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	key, err := certificate.ParseKey(text)
	clear(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
