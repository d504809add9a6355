package keystore

import (
	"encoding/hex"
	"strings"
)

// escapeFileName is what the file of an item is called. Characters that a file's name cannot have,
// and the percent sign, are written as in URLs, as 99designs/keyring does.
// https://www.rfc-editor.org/rfc/rfc3986#section-2.1
func escapeFileName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c == '%' || strings.IndexByte(escapedInFiles, c) >= 0 {
			b.WriteByte('%')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeFileName is the name of the item in a file. A percent sign that escapes nothing stands
// for itself.
func unescapeFileName(base string) string {
	var b strings.Builder
	for i := 0; i < len(base); i++ {
		c := base[i]
		if c == '%' && i+2 < len(base) {
			if raw, err := hex.DecodeString(base[i+1 : i+3]); err == nil {
				c, i = raw[0], i+2
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
