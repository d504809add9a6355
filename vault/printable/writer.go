package printable

import (
	"io"
	"sync"
	"unicode/utf8"
)

// Writer returns a writer that escapes unsafe characters as [Line] does, and passes the text on to w. It does not
// escape newlines and tabs, which separate lines and columns. Goroutines may use the writer at the same time.
func Writer(w io.Writer) io.Writer { return &writer{to: w} }

type writer struct {
	mu   sync.Mutex
	to   io.Writer
	rest []byte // the bytes of a character whose last bytes are still to be written
}

// Write returns the length of p, or an error of the underlying writer.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) == 0 && isASCII(p) {
		return w.to.Write(p) // without a copy, because lists can be long
	}
	text := append(w.rest, p...)
	end := len(text) - incomplete(text)
	w.rest = append([]byte(nil), text[end:]...)
	if _, err := io.WriteString(w.to, escape(string(text[:end]), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// isASCII reports whether p contains only visible ASCII characters, blanks, newlines and tabs.
func isASCII(p []byte) bool {
	for _, c := range p {
		if (c < ' ' || c > '~') && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// incomplete returns how many bytes at the end of text are the beginning of a character.
func incomplete(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
