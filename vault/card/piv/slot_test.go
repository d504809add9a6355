package piv

import "testing"

func TestParseSlot(t *testing.T) {
	for text, want := range map[string]Slot{"9c": Signature, "9C": Signature, "82": FirstRetired, "95": LastRetired, "9e": CardAuthentication} {
		if s, err := ParseSlot(text); err != nil || s != want {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "9", "9b", "96", "81", "f9", "0x9c", "19c", "-9c", " 9c"} {
		if s, err := ParseSlot(text); err == nil {
			t.Errorf("the invalid slot %q was parsed as %v", text, s)
		}
	}
}

func FuzzParseSlot(f *testing.F) {
	f.Add("9c")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSlot(text)
		if err != nil {
			return
		}
		if again, err := ParseSlot(s.String()); err != nil || again != s {
			t.Errorf("%q: slot %v was parsed again as %v, %v", text, s, again, err)
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		P256.String(): "P-256", Algorithm(99).String(): "unknown algorithm", PINOnce.String(): "once", TouchCached.String(): "cached",
		TouchPolicy(-1).String(): "unknown", Location{7, Signature}.String(): "slot 9c of YubiKey 7", Location{Slot: 0x82}.String(): "slot 82",
	} {
		if name != want {
			t.Errorf("%q, want %q", name, want)
		}
	}
}

func TestPolicyNames(t *testing.T) {
	for _, name := range PINPolicyNames() {
		if p := ParsePINPolicy(name); p == 0 || p.String() != name {
			t.Errorf("PIN policy %q is read as %d", name, p)
		}
	}
	for _, name := range TouchPolicyNames() {
		if p := ParseTouchPolicy(name); p == 0 || p.String() != name {
			t.Errorf("touch policy %q is read as %d", name, p)
		}
	}
	if len(PINPolicyNames()) != 3 || len(TouchPolicyNames()) != 3 || ParsePINPolicy("sometimes") != 0 || ParseTouchPolicy("") != 0 {
		t.Error("unexpected policy names")
	}
}
