package ui

import (
	"bufio"
	"encoding/json"
	"io"
)

// PrintJSON prints a value for programs to read.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// LineBuffer holds lines until they are worth a system call.
const LineBuffer = 64 << 10

func PrintLines(to io.Writer, lines []string) error {
	w := bufio.NewWriterSize(to, LineBuffer)
	for _, l := range lines {
		w.WriteString(l)
		w.WriteByte('\n')
	}
	return w.Flush()
}
