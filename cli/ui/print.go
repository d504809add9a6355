package ui

import (
	"bufio"
	"encoding/json"
	"io"

	"aws-vault/vault/printable"
)

// PrintJSON writes v as indented JSON. It does not escape <, > and &.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// PrintEscapedJSON writes v as indented JSON and escapes <, > and &. Some commands have always escaped these characters
// in their output, and must continue to do so.
func PrintEscapedJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// LineBuffer is the size of output buffers, in bytes. With large buffers, the program makes few system calls.
const LineBuffer = 64 << 10

// PrintLines writes each text on a line of its own, quoted if it has unsafe characters.
func PrintLines(to io.Writer, texts []string) error {
	w := bufio.NewWriterSize(to, LineBuffer)
	for _, l := range texts {
		w.WriteString(printable.Text(l))
		w.WriteByte('\n')
	}
	return w.Flush()
}
