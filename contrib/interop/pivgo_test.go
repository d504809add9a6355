//go:build interop && linux

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakecard"
)

// TestPIVGo runs piv-go's own tests. They are built without cgo, and use our PC/SC client and a virtual key.
// TestPIVGo leaves out the test that needs attestations signed by Yubico. piv-go itself skips the tests that need
// a fingerprint reader. One test imports an RSA key of 512 bits, which Go accepts only with a special setting.
func TestPIVGo(t *testing.T) {
	overlay := os.Getenv("INTEROP_OVERLAY")
	if overlay == "" {
		t.Skip("needs the overlay of make cards")
	}
	socket := filepath.Join(newHome(t), "pcscd")
	service, err := fakecard.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	service.Insert("Yubico YubiKey OTP+FIDO+CCID 00 00", fakecard.New(fakecard.Options{}))
	c := exec.Command("go", "test", overlay, "-count=1", "-v", "-skip=^TestYubiKeyAttestation$", "github.com/go-piv/piv-go/v2/piv", "-wipe-yubikey")
	c.Dir, c.Env = repository(t), append(os.Environ(), "CGO_ENABLED=0", "GODEBUG=rsa1024min=0", fakecard.SocketVariable+"="+socket)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestYubiKeySignECDSA ") {
		t.Errorf("no key has signed:\n%s", out)
	}
}
