package ui

import (
	"bufio"
	"encoding/json"
	"io"
)

// PrintJSON writes v as indented JSON. It does not escape <, > and &.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// PrintEscapedJSON writes v as indented JSON with <, > and & escaped, for commands whose output has always
// been escaped.
func PrintEscapedJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// LineBuffer is the size of output buffers, in bytes. It keeps the number of system calls low.
const LineBuffer = 64 << 10

// PrintLines writes each line followed by a newline.
func PrintLines(to io.Writer, lines []string) error {
	w := bufio.NewWriterSize(to, LineBuffer)
	for _, l := range lines {
		w.WriteString(l)
		w.WriteByte('\n')
	}
	return w.Flush()
}
