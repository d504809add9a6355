package awsapi

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"testing"
	"time"
)

// A signed is a certificate with its key.
type signed struct {
	*x509.Certificate
	key crypto.Signer
}

// authority makes certificates whose keys and serial numbers are known beforehand.
type authority struct {
	testing.TB
	serial int64
}

func keyNumber(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// issue signs a form with by's key, or with its own where by is nil.
func (a *authority) issue(form x509.Certificate, key ed25519.PrivateKey, by *signed) *signed {
	a.Helper()
	a.serial++
	form.SerialNumber = big.NewInt(a.serial)
	form.BasicConstraintsValid = true
	if form.NotBefore.IsZero() {
		form.NotBefore, form.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := &form, crypto.Signer(key)
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(nil, &form, parent, key.Public(), signer)
	if err != nil {
		a.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return &signed{c, key}
}

func named(name string) pkix.Name {
	return pkix.Name{CommonName: name, Organization: []string{"Example"}}
}

func ca(name string) x509.Certificate {
	return x509.Certificate{Subject: named(name), IsCA: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLen: -1}
}

func serverOf(names ...string) x509.Certificate {
	c := x509.Certificate{Subject: named("server"), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return c
}

func but(c x509.Certificate, change func(*x509.Certificate)) x509.Certificate {
	change(&c)
	return c
}

func bundleOf(roots ...*signed) []byte {
	var text []byte
	for _, r := range roots {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Raw})...)
	}
	return text
}

// handshake returns what a client makes of a server that sends a chain.
func handshake(t *testing.T, client *tls.Config, chain []*signed) error {
	t.Helper()
	own := tls.Certificate{PrivateKey: chain[0].key}
	for _, c := range chain {
		own.Certificate = append(own.Certificate, c.Raw)
	}
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer far.Close()
		tls.Server(far, &tls.Config{Certificates: []tls.Certificate{own}}).Handshake()
	}()
	conn := tls.Client(near, client)
	err := conn.Handshake()
	near.Close()
	<-served
	return err
}

// sameVerdict wants two verifications to agree, in their errors' types and texts, too.
func sameVerdict(t *testing.T, what string, got, want error) {
	t.Helper()
	var g, w *tls.CertificateVerificationError
	if (got == nil) != (want == nil) || errors.As(got, &g) != errors.As(want, &w) {
		t.Fatalf("%s: got %v, crypto/tls says %v", what, got, want)
	}
	if w != nil && (reflect.TypeOf(g.Err) != reflect.TypeOf(w.Err) || len(g.UnverifiedCertificates) != len(w.UnverifiedCertificates)) {
		t.Fatalf("%s: got a %T, crypto/tls gives a %T", what, g.Err, w.Err)
	}
	var gi, wi x509.CertificateInvalidError
	if errors.As(want, &wi) && wi.Reason == x509.Expired { // its text says what time it is
		if errors.As(got, &gi); gi.Reason != wi.Reason || !gi.Cert.Equal(wi.Cert) {
			t.Fatalf("%s: got %v, crypto/tls says %v", what, got, want)
		}
		return
	}
	if want != nil && got.Error() != want.Error() {
		t.Fatalf("%s: got %v, crypto/tls says %v", what, got, want)
	}
}

// The verdict is that of crypto/tls with all roots, case by case and in a whole handshake.
func TestAnchorsDecideAsTLS(t *testing.T) {
	a := &authority{TB: t}
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	root := a.issue(ca("root"), keyNumber(1), nil)
	other := a.issue(ca("other root"), keyNumber(2), nil)
	namesake := a.issue(ca("root"), keyNumber(3), nil)
	inner := a.issue(ca("inner"), keyNumber(4), root)
	inmost := a.issue(ca("inmost"), keyNumber(5), inner)
	crossed := a.issue(ca("inner"), keyNumber(4), other) // the same name and key, signed by another
	rootCrossed := a.issue(ca("root"), keyNumber(1), other)
	leaf := a.issue(serverOf("sts.example.com"), keyNumber(6), inner)
	old := a.issue(but(ca("old root"), func(c *x509.Certificate) { c.NotBefore, c.NotAfter = past.Add(-time.Hour), past }), keyNumber(7), nil)
	short := a.issue(but(ca("short"), func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }), keyNumber(8), root)
	fenced := a.issue(but(ca("fenced"), func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.org"}
	}), keyNumber(9), root)
	noCA := a.issue(serverOf("sts.example.com"), keyNumber(10), root)
	self := a.issue(serverOf("sts.example.com"), keyNumber(11), nil)
	mail := a.issue(but(ca("mail"), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }), keyNumber(12), nil)
	odd := a.issue(but(ca("odd"), func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}), keyNumber(13), root)
	nameless := a.issue(x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLen: -1}, keyNumber(14), nil)
	ours := a.issue(serverOf("127.0.0.1", "::1"), keyNumber(6), inner)
	by := func(form x509.Certificate, parent *signed) []*signed {
		return []*signed{a.issue(form, keyNumber(6), parent), parent}
	}
	for name, c := range map[string]struct {
		host  string // sts.example.com if empty
		roots []*signed
		chain []*signed
		good  bool
	}{
		"right":                       {roots: []*signed{other, root, namesake}, chain: []*signed{leaf, inner}, good: true},
		"two between":                 {roots: []*signed{root}, chain: []*signed{by(serverOf("sts.example.com"), inmost)[0], inmost, inner}, good: true},
		"in disorder":                 {roots: []*signed{root}, chain: []*signed{by(serverOf("sts.example.com"), inmost)[0], inner, inmost}, good: true},
		"nothing between":             {roots: []*signed{root}, chain: by(serverOf("sts.example.com"), root)[:1], good: true},
		"root sent too":               {roots: []*signed{root}, chain: []*signed{leaf, inner, root}, good: true},
		"root only sent":              {roots: []*signed{other}, chain: []*signed{leaf, inner, root}},
		"between missing":             {roots: []*signed{root}, chain: []*signed{leaf}},
		"between among the roots":     {roots: []*signed{inner}, chain: []*signed{leaf}, good: true},
		"between trusted and sent":    {roots: []*signed{inner}, chain: []*signed{leaf, inner}, good: true},
		"server among the roots":      {roots: []*signed{leaf}, chain: []*signed{leaf}, good: true},
		"self-signed, a root":         {roots: []*signed{root, self}, chain: []*signed{self}, good: true},
		"self-signed, no root":        {roots: []*signed{root}, chain: []*signed{self}},
		"unknown root":                {roots: []*signed{other}, chain: []*signed{leaf, inner}},
		"no root":                     {chain: []*signed{leaf, inner}},
		"root's name, another key":    {roots: []*signed{namesake}, chain: []*signed{leaf, inner}},
		"both of a name":              {roots: []*signed{namesake, root}, chain: []*signed{leaf, inner}, good: true},
		"cross-signed, the one":       {roots: []*signed{root}, chain: []*signed{leaf, crossed, inner}, good: true},
		"cross-signed, the other":     {roots: []*signed{other}, chain: []*signed{leaf, crossed, inner}, good: true},
		"cross-signed, both":          {roots: []*signed{root, other}, chain: []*signed{leaf, crossed, inner}, good: true},
		"cross-signed, neither":       {roots: []*signed{namesake}, chain: []*signed{leaf, crossed, inner}},
		"root cross-signed":           {roots: []*signed{other}, chain: []*signed{leaf, inner, rootCrossed}, good: true},
		"wrong name":                  {host: "sts.example.net", roots: []*signed{root}, chain: []*signed{leaf, inner}},
		"wildcard":                    {roots: []*signed{root}, chain: by(serverOf("*.example.com"), inner), good: true},
		"name only as common name":    {host: "server", roots: []*signed{root}, chain: []*signed{leaf, inner}},
		"trailing dot":                {host: "sts.example.com.", roots: []*signed{root}, chain: []*signed{leaf, inner}, good: true},
		"address":                     {host: "127.0.0.1", roots: []*signed{root}, chain: []*signed{ours, inner}, good: true},
		"address of version 6":        {host: "::1", roots: []*signed{root}, chain: []*signed{ours, inner}, good: true},
		"wrong address":               {host: "127.0.0.2", roots: []*signed{root}, chain: []*signed{ours, inner}},
		"address, but a name is sent": {host: "127.0.0.1", roots: []*signed{root}, chain: []*signed{leaf, inner}},
		"expired": {roots: []*signed{root}, chain: by(but(serverOf("sts.example.com"), func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = past, past.Add(time.Minute)
		}), inner)},
		"not yet valid": {roots: []*signed{root}, chain: by(but(serverOf("sts.example.com"), func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = future, future.Add(time.Hour)
		}), inner)},
		"expired root": {roots: []*signed{old, root}, chain: by(serverOf("sts.example.com"), old)[:1]},
		"for clients only": {roots: []*signed{root}, chain: by(but(serverOf("sts.example.com"), func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), inner)},
		"for anything": {roots: []*signed{root}, chain: by(but(serverOf("sts.example.com"), func(c *x509.Certificate) {
			c.ExtKeyUsage = nil
		}), inner), good: true},
		"root for mail":             {roots: []*signed{mail}, chain: by(serverOf("sts.example.com"), mail)[:1]},
		"between is no authority":   {roots: []*signed{root}, chain: []*signed{a.issue(serverOf("sts.example.com"), keyNumber(6), noCA), noCA}},
		"too many between":          {roots: []*signed{root}, chain: []*signed{a.issue(serverOf("sts.example.com"), keyNumber(6), a.issue(ca("deep"), keyNumber(15), short)), a.issue(ca("deep"), keyNumber(15), short), short}},
		"outside a name constraint": {roots: []*signed{root}, chain: by(serverOf("sts.example.com"), fenced)},
		"within a name constraint":  {host: "sts.example.org", roots: []*signed{root}, chain: by(serverOf("sts.example.org"), fenced), good: true},
		"unknown critical":          {roots: []*signed{root}, chain: by(serverOf("sts.example.com"), odd)},
		"root without a name":       {roots: []*signed{root, nameless}, chain: by(serverOf("sts.example.com"), nameless)[:1], good: true},
		"many of a name": {roots: slices.Concat(slices.Repeat([]*signed{root}, 3), []*signed{namesake, rootCrossed}),
			chain: []*signed{leaf, inner}, good: true},
	} {
		t.Run(name, func(t *testing.T) {
			host := c.host
			if host == "" {
				host = "sts.example.com"
			}
			junk := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.RawSubject}) // no certificate
			text := slices.Concat(junk, bundleOf(c.roots...))
			whole := x509.NewCertPool()
			whole.AppendCertsFromPEM(text)
			want := handshake(t, &tls.Config{RootCAs: whole, ServerName: host}, c.chain)
			if (want == nil) != c.good {
				t.Fatalf("crypto/tls says %v", want)
			}
			sameVerdict(t, host, handshake(t, readAnchors(text).config(host), c.chain), want)
		})
	}
}

// Chains that are put together at random, from a few names and keys, are judged as
// crypto/x509 judges them by all roots.
func TestAnchorsDecideAsTLSAtRandom(t *testing.T) {
	const rounds, hosts, seed = 60, "sts.example.com", 7
	dice := rand.New(rand.NewPCG(seed, seed))
	good, verdicts := 0, map[reflect.Type]bool{}
	for round := range rounds {
		a := &authority{TB: t}
		pile := []*signed{}
		for n := range 14 {
			form := ca(fmt.Sprint("name ", dice.IntN(4)))
			form.IsCA, form.DNSNames = dice.IntN(8) > 0, []string{hosts}
			switch dice.IntN(12) {
			case 0:
				form.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			case 1:
				form.NotBefore, form.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
			case 2:
				form.MaxPathLen, form.MaxPathLenZero = 0, form.IsCA
			case 3:
				form.DNSNames, form.ExcludedDNSDomains = []string{"other.example.com"}, []string{"example.com"}
			}
			if !form.IsCA {
				form.MaxPathLen, form.MaxPathLenZero = 0, false
			}
			var by *signed
			if n > 2 && dice.IntN(4) > 0 {
				by = pile[dice.IntN(n)]
			}
			pile = append(pile, a.issue(form, keyNumber(byte(dice.IntN(5))), by))
		}
		some := func(most int) (list []*signed) {
			for range dice.IntN(most + 1) {
				list = append(list, pile[dice.IntN(len(pile))])
			}
			return list
		}
		for range 60 {
			text := bundleOf(some(6)...)
			chain := []*x509.Certificate{pile[dice.IntN(len(pile))].Certificate}
			for _, c := range some(5) {
				chain = append(chain, c.Certificate)
			}
			whole := x509.NewCertPool()
			whole.AppendCertsFromPEM(text)
			o := x509.VerifyOptions{DNSName: hosts, Roots: whole, Intermediates: x509.NewCertPool()}
			for _, c := range chain[1:] {
				o.Intermediates.AddCert(c)
			}
			_, want := chain[0].Verify(o)
			if want == nil {
				good++
			} else {
				verdicts[reflect.TypeOf(want)] = true
				want = &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: want}
			}
			sameVerdict(t, fmt.Sprint("round ", round), readAnchors(text).verify(hosts, chain), want)
		}
	}
	if good < rounds || len(verdicts) < 3 {
		t.Errorf("the dice fell one way: %d chains did, and errors were %v", good, verdicts)
	}
}

// Only the root that a chain asks for is parsed.
func TestAnchorsParseWhatIsAsked(t *testing.T) {
	a := &authority{TB: t}
	var roots []*signed
	for n := range 150 {
		roots = append(roots, a.issue(ca(fmt.Sprintf("root %03d", n)), keyNumber(byte(n)), nil))
	}
	leaf := a.issue(serverOf("sts.example.com"), keyNumber(200), roots[70])
	want := x509.NewCertPool()
	want.AddCert(roots[70].Certificate)
	if got := readAnchors(bundleOf(roots...)).asked([]*x509.Certificate{leaf.Certificate}); !got.Equal(want) {
		t.Error("other roots are parsed than the one that is asked for")
	}
}

// Nothing is verified for nobody, as crypto/x509 would.
func TestAnchorsVerifySomeHost(t *testing.T) {
	a := &authority{TB: t}
	root := a.issue(ca("root"), keyNumber(1), nil)
	leaf := a.issue(serverOf("sts.example.com"), keyNumber(2), root)
	from := readAnchors(bundleOf(root))
	if err := from.verify("", []*x509.Certificate{leaf.Certificate}); !errors.Is(err, errNoHost) {
		t.Errorf("without a host: %v", err)
	}
	if err := from.verify("sts.example.com", nil); !errors.Is(err, errNoHost) {
		t.Errorf("without a chain: %v", err)
	}
}

// FuzzAnchors wants of a bundle the roots that crypto/x509 reads from it.
func FuzzAnchors(f *testing.F) {
	a := &authority{TB: f}
	root := a.issue(ca("root"), keyNumber(1), nil)
	text := bundleOf(root, a.issue(ca("other"), keyNumber(2), nil))
	f.Add(text)
	f.Add(text[:len(text)-30])
	f.Add(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	f.Add(slices.Concat([]byte("# a comment\n"), text, []byte("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n"), text))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"a": "b"}, Bytes: root.Raw}))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: root.Raw}))
	f.Fuzz(func(t *testing.T, text []byte) {
		want := x509.NewCertPool()
		some := want.AppendCertsFromPEM(text)
		got := readAnchors(text)
		if !got.all().Equal(want) || got.none() == some {
			t.Error("crypto/x509 reads another pool")
		}
	})
}
