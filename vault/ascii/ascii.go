// Package ascii classifies ASCII characters. Functions return false for all other characters. Each caller decides
// which characters a name may contain.
package ascii

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric[C byte | rune](c C) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// IsGraphic reports whether c is a visible ASCII character: neither a space nor a control character.
func IsGraphic[C byte | rune](c C) bool { return ' ' < c && c <= '~' }
