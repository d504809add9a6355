package ascii

import (
	"strings"
	"testing"
)

func TestCharacterClasses(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const signs = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	for r := rune(0); r < 0x300; r++ {
		alphanumeric := strings.ContainsRune(letters, r)
		if IsAlphanumeric(r) != alphanumeric {
			t.Errorf("IsAlphanumeric(%q) is %v", r, !alphanumeric)
		}
		graphic := alphanumeric || strings.ContainsRune(signs, r)
		if IsGraphic(r) != graphic {
			t.Errorf("IsGraphic(%q) is %v", r, !graphic)
		}
		if b := byte(r); r < 0x100 && (IsAlphanumeric(b) != alphanumeric || IsGraphic(b) != graphic) {
			t.Errorf("byte %#x is classified differently from the same rune", b)
		}
	}
}
