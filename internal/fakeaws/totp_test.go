package fakeaws

import (
	"testing"
	"time"
)

// TestTOTPVectors uses the SHA-1 test vectors of RFC 6238, appendix B, cut to six digits.
func TestTOTPVectors(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // the ASCII text 12345678901234567890 in base32
	for _, test := range []struct {
		at   int64
		want string
	}{
		{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
	} {
		got, err := TOTP(secret, time.Unix(test.at, 0))
		if err != nil || got != test.want {
			t.Errorf("code at %d is %q (%v), want %s", test.at, got, err, test.want)
		}
	}
}

func TestTOTPRefusesWhatIsNotBase32(t *testing.T) {
	if code, err := TOTP("0189", noon); err == nil {
		t.Errorf("got code %s, want an error", code)
	}
}

func TestMFAShowsItsTOTP(t *testing.T) {
	a := newAWS(t)
	a.SetClock(func() time.Time { return noon })
	m := a.AddUser("123456789012", "alice").AddMFA("alice")
	for range 3 {
		want, err := TOTP(m.Secret(), a.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Code(); got != want {
			t.Errorf("code is %s, want %s", got, want)
		}
		a.Advance(codeStep)
	}
}
