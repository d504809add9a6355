package fakeaws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// The signature algorithms for certificates with an RSA key and with an ECDSA key.
const (
	x509RSA   = "AWS4-X509-RSA-SHA256"
	x509ECDSA = "AWS4-X509-ECDSA-SHA256"
)

// checkX509 verifies the certificate of a call. It also verifies the call's signature, with the public key in the
// certificate. It returns the certificate.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
func (a *AWS) checkX509(r *request) (*x509.Certificate, error) {
	header := r.http.Header.Get("Authorization")
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != x509RSA && algorithm != x509ECDSA {
		return nil, anywhereDenied("Missing Authentication Token")
	}
	s, err := parseSignature("AWS4-HMAC-SHA256 " + rest)
	if err != nil {
		return nil, anywhereDenied("%s", err.(*refusal).message)
	}
	for _, name := range []string{"content-type", "x-amz-x509"} {
		if !slices.Contains(s.headers, name) {
			return nil, anywhereDenied("SignedHeaders must name %s", name)
		}
	}
	if r.http.Header.Get("X-Amz-X509-Chain") != "" && !slices.Contains(s.headers, "x-amz-x509-chain") {
		return nil, anywhereDenied("SignedHeaders must name x-amz-x509-chain")
	}
	r.call.Region = s.region
	if err := s.checkScope(r); err != nil {
		return nil, anywhereDenied("%s", err.(*refusal).message)
	}
	leaf, err := a.checkCertificate(r)
	if err != nil {
		return nil, err
	}
	if s.keyID != leaf.SerialNumber.String() || s.region != regionOfARN(r.http.URL.Query().Get("trustAnchorArn")) {
		return nil, anywhereDenied("The credential's scope is not that of the certificate and the trust anchor")
	}
	if err := s.verifyX509(r, algorithm, leaf); err != nil {
		return nil, anywhereDenied("The request signature we calculated does not match the signature you provided.")
	}
	return leaf, nil
}

// verifyX509 verifies the signature of the request with the public key of the certificate leaf.
func (s signature) verifyX509(r *request, algorithm string, leaf *x509.Certificate) error {
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, r.http.Header.Get("X-Amz-Date"), scope, digest([]byte(s.canonical(r.http, r.body)))}, "\n")
	sum := sha256.Sum256([]byte(text))
	given, err := hex.DecodeString(s.sum)
	if err != nil {
		return err
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if algorithm == x509RSA {
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], given)
		}
	case *ecdsa.PublicKey:
		if algorithm == x509ECDSA && ecdsa.VerifyASN1(key, sum[:], given) {
			return nil
		}
	}
	return errors.New("wrong signature")
}

// checkCertificate verifies the certificate of a call: a trust anchor must have issued it, it must be valid now, it
// must be allowed to sign, and it must not be an authority.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
func (a *AWS) checkCertificate(r *request) (*x509.Certificate, error) {
	leaf, err := decodeCertificate(r.http.Header.Get("X-Amz-X509"))
	if err != nil {
		return nil, anywhereDenied("Malformed certificate")
	}
	between := x509.NewCertPool()
	if chain := r.http.Header.Get("X-Amz-X509-Chain"); chain != "" {
		parts := strings.Split(chain, ",")
		if len(parts) > 5 {
			return nil, anywhereDenied("The certificate chain is too long")
		}
		for _, part := range parts {
			c, err := decodeCertificate(part)
			if err != nil {
				return nil, anywhereDenied("Malformed certificate chain")
			}
			between.AddCert(c)
		}
	}
	t := a.anchors[r.http.URL.Query().Get("trustAnchorArn")]
	if t == nil || t.off {
		return nil, anywhereDenied("Unable to use trust anchor.")
	}
	weak := leaf.SignatureAlgorithm == x509.SHA1WithRSA || leaf.SignatureAlgorithm == x509.ECDSAWithSHA1
	if leaf.Version != 3 || leaf.IsCA || !leaf.BasicConstraintsValid || leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || weak {
		return nil, anywhereDenied("Certificate is not valid for signing.")
	}
	_, err = leaf.Verify(x509.VerifyOptions{
		Roots: t.roots, Intermediates: between, CurrentTime: r.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, anywhereDenied("Untrusted certificate. Insufficient certificate")
	}
	return leaf, nil
}

func decodeCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
