//go:build interop && linux

package interop

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakecard"
	"aws-vault/vault/card/piv"
)

const (
	factoryPIN = "123456"
	factoryKey = "010203040506070801020304050607080102030405060708"
	ourReader  = "Virtual PCD 00 00"
)

// cardsBehindPCSCD returns the cards that the running pcscd provides.
func cardsBehindPCSCD() *piv.Cards {
	return &piv.Cards{
		PIN:   func(context.Context, piv.PINQuestion) (string, error) { return factoryPIN, nil },
		Sleep: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil },
	}
}

// publicOf parses a public key in PEM.
func publicOf(t *testing.T, text string) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func signWith(t *testing.T, k *piv.Key) {
	t.Helper()
	sum := sha256.Sum256([]byte("message"))
	sig, err := k.Sign(nil, sum[:], crypto.SHA256)
	if err != nil || !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), sum[:], sig) {
		t.Errorf("%v: signature: %v", k.Location(), err)
	}
}

// TestHardwareKeys connects two virtual YubiKeys to Debian's pcscd. Four programs use them: aws-vault, two
// programs from Yubico, and one from OpenSC.
func TestHardwareKeys(t *testing.T) {
	needPCSCD(t, "ykman", "yubico-piv-tool", "opensc-tool")
	if !piv.Supported {
		t.Skip("needs a build with the tag piv")
	}
	first, second := fakecard.New(fakecard.Options{Serial: 1001}), fakecard.New(fakecard.Options{Serial: 1002, Version: [3]byte{5, 4, 3}})
	startPCSCD(t, first, second)
	w := newWorld(t, "file", "AWS_VAULT_FILE_PASSPHRASE=EXAMPLE")
	w.add(w.Key)

	t.Run("aws-vault doctor", func(t *testing.T) {
		w := w.within(t)
		out := w.vault("doctor", "--offline")
		for _, want := range []string{"YubiKey 1001: works, firmware 5.7.1", "YubiKey 1002: works, firmware 5.4.3"} {
			if !strings.Contains(out, want) {
				t.Errorf("doctor does not say %q:\n%s", want, out)
			}
		}
	})
	c := cardsBehindPCSCD()
	t.Run("a key that ykman makes", func(t *testing.T) {
		w := w.within(t)
		made := w.input("", "ykman", "--reader", ourReader, "piv", "keys", "generate", "--management-key", factoryKey,
			"--algorithm", "ECCP256", "--pin-policy", "ONCE", "--touch-policy", "ALWAYS", "9a", "-")
		k, info, err := c.Key(t.Context(), piv.Location{Serial: 1001, Slot: piv.Authentication})
		if err != nil {
			t.Fatal(err)
		}
		if !k.Public().(*ecdsa.PublicKey).Equal(publicOf(t, made)) || info.PIN != piv.PINOnce || info.Touch != piv.TouchAlways {
			t.Errorf("read as %+v", info)
		}
		signWith(t, k)
		if n := first.Usage().Touches; n != 1 {
			t.Errorf("%d touches, want 1", n)
		}
	})
	t.Run("a key that we make", func(t *testing.T) {
		w := w.within(t)
		m, err := c.Generate(t.Context(), piv.Location{Serial: 1001, Slot: piv.FirstRetired},
			piv.KeyRequest{Algorithm: piv.P256, PIN: piv.PINOnce, Touch: piv.TouchNever})
		if err != nil {
			t.Fatal(err)
		}
		signWith(t, m.Key)
		for program, args := range map[string][]string{
			"ykman":           {"--reader", ourReader, "piv", "keys", "export", "82", "-"},
			"yubico-piv-tool": {"--reader", ourReader, "--action", "attest", "--slot", "82"},
		} {
			out := w.input("", program, args...)
			have, want := publicIn(t, out), m.Key.Public().(*ecdsa.PublicKey)
			if !want.Equal(have) {
				t.Errorf("%s reads another key", program)
			}
		}
		proof, err := c.Attest(t.Context(), m.Key.Location())
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(first.Root())
		if a, err := proof.Verify(roots); err != nil || a.Location != m.Key.Location() {
			t.Errorf("attested: %+v, %v", a, err)
		}
	})
	t.Run("a key that aws-vault signs with", func(t *testing.T) {
		w.within(t).requestCertificate(c, piv.Location{Serial: 1001, Slot: piv.Signature})
	})
	t.Run("ykman", func(t *testing.T) {
		w := w.within(t)
		out := w.input("", "ykman", "--reader", ourReader, "piv", "info")
		if !strings.Contains(out, "5.7.1") || !strings.Contains(out, "3/3") {
			t.Errorf("piv info: %s", out)
		}
	})
	t.Run("yubico-piv-tool", func(t *testing.T) {
		w := w.within(t)
		out := w.input("", "yubico-piv-tool", "--reader", ourReader, "--action", "verify-pin", "--pin", factoryPIN, "--action", "status")
		if !strings.Contains(out, "1001") || !strings.Contains(out, "PIN tries left") {
			t.Errorf("status: %s", out)
		}
	})
	t.Run("OpenSC", func(t *testing.T) {
		w := w.within(t)
		if out := w.input("", "opensc-tool", "--reader", "0", "--name"); !strings.Contains(out, "Personal Identity Verification") {
			t.Errorf("name: %s", out)
		}
		keepCertificate(t, c, piv.Location{Serial: 1001, Slot: piv.Authentication})
		if out := w.input("", "pkcs15-tool", "--reader", "0", "--list-certificates"); !strings.Contains(out, "PIV Authentication") {
			t.Errorf("certificates: %s", out)
		}
		if out := w.input("", "opensc-tool", "--list-readers"); !strings.Contains(out, "Virtual PCD 00 01") {
			t.Errorf("readers: %s", out)
		}
	})
}

// TestNewerService uses a PIV key and a TOTP account through a service that accepts only version 4.5 of pcscd's
// protocol. pcscd 2.3.0 to 2.4.0 accept only that version too.
func TestNewerService(t *testing.T) {
	if !piv.Supported {
		t.Skip("needs a build with the tag piv")
	}
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	socket := filepath.Join(w.home, "pcscd")
	service, err := fakecard.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	service.RequireMinor(5)
	service.Insert("Yubico YubiKey OTP+FIDO+CCID 00 00", fakecard.New(fakecard.Options{Serial: 1001}))
	t.Setenv(fakecard.SocketVariable, socket)
	w.env = append(w.env, fakecard.SocketVariable+"="+socket)
	if out := w.vault("doctor", "--offline"); !strings.Contains(out, "YubiKey 1001: works") {
		t.Errorf("doctor: %s", out)
	}
	w.requestCertificate(cardsBehindPCSCD(), piv.Location{Serial: 1001, Slot: piv.Signature})
	w.input(w.MFA.Secret(), w.program, "mfa", "enroll", "--serial", w.MFA.Serial(), "--stdin", "--no-touch")
	if code := strings.TrimSpace(w.vault("mfa", "code", "--serial", w.MFA.Serial())); len(code) != 6 {
		t.Errorf("code %q", code)
	}
}

// requestCertificate generates a key that never requires a PIN. It then checks the certificate request that
// aws-vault creates for the key.
func (w *world) requestCertificate(c *piv.Cards, at piv.Location) {
	w.t.Helper()
	m, err := c.Generate(w.t.Context(), at, piv.KeyRequest{Algorithm: piv.P256, PIN: piv.PINNever, Touch: piv.TouchNever})
	if err != nil {
		w.t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(w.vault("--card=1001", "certificate", "request", "--subject", "CN=alice", "--private-key", "piv:"+at.Slot.String())))
	if block == nil {
		w.t.Fatal("the program printed no request")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := request.CheckSignature(); err != nil || !m.Key.Public().(*ecdsa.PublicKey).Equal(request.PublicKey) {
		w.t.Errorf("the request is signed by another key: %v", err)
	}
}

// keepCertificate creates a self-signed certificate for a key and stores it on the card.
func keepCertificate(t *testing.T, c *piv.Cards, at piv.Location) {
	t.Helper()
	k, _, err := c.Key(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "alice"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetCertificate(t.Context(), at, cert); err != nil {
		t.Fatal(err)
	}
}

// within returns a copy of the world that reports failures to the subtest t.
func (w *world) within(t *testing.T) *world {
	part := *w
	part.t = t
	return &part
}

// publicIn returns the public key in the argument text, which is a public key or a certificate in PEM.
func publicIn(t *testing.T, text string) crypto.PublicKey {
	t.Helper()
	if block, _ := pem.Decode([]byte(text)); block != nil && block.Type == "CERTIFICATE" {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return cert.PublicKey
	}
	return publicOf(t, text)
}

// TestWithoutLibrary runs aws-vault with a root folder that contains no files of the system. If aws-vault is linked
// with libraries, the folder also contains these libraries.
func TestWithoutLibrary(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, for chroot")
	}
	w := newWorld(t, "file", "AWS_VAULT_FILE_PASSPHRASE=EXAMPLE")
	linked, err := exec.Command("ldd", w.program).CombinedOutput()
	if err == nil && strings.Contains(string(linked), "pcsclite") {
		t.Errorf("the program is linked with libpcsclite:\n%s", linked)
	}
	for _, path := range append(pathsIn(string(linked)), w.program) {
		to := path
		if path == w.program {
			to = "/aws-vault"
		}
		copyFile(t, path, filepath.Join(w.home, to))
	}
	w.write(".aws/config", "[profile alice]\nregion = eu-central-1\n")
	w.env = append(w.env, "HOME=/", "PATH=/")
	w.in("/", "--version")
	w.in("/", "add", "--stdin", "alice")
	if out := w.in("/", "exec", "alice", "--", "/aws-vault", "--version"); out == "" {
		t.Error("the command of exec printed nothing")
	}
	if out := w.in("/", "doctor", "--offline"); strings.Contains(out, "YubiKey") {
		t.Errorf("doctor: %s", out)
	}
}

// The method "in" runs aws-vault, and returns its output. The root of the file system is the world's home
// directory. The current directory is the argument dir.
func (w *world) in(dir string, args ...string) string {
	w.t.Helper()
	c := exec.Command("chroot", append([]string{w.home, "/aws-vault"}, args...)...)
	c.Env, c.Dir = w.env, dir
	c.Stdin = strings.NewReader(w.Key.ID + "\n" + w.Key.Secret + "\n")
	var talk strings.Builder
	c.Stderr = &talk
	out, err := c.Output()
	if err != nil {
		w.t.Fatalf("without libraries: aws-vault %q: %v\n%s%s", args, err, out, &talk)
	}
	return string(out)
}

// pathsIn returns the paths in the output of ldd. For a static program, there are none.
func pathsIn(linked string) []string {
	var all []string
	for _, word := range strings.Fields(linked) {
		if strings.HasPrefix(word, "/") && !strings.HasSuffix(word, ":") {
			all = append(all, word)
		}
	}
	return all
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o755); err != nil {
		t.Fatal(err)
	}
}
