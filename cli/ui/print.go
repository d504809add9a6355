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

// PrintLines writes each line followed by a newline.
func PrintLines(to io.Writer, lines []string) error {
	w := bufio.NewWriterSize(to, LineBuffer)
	for _, l := range lines {
		w.WriteString(l)
		w.WriteByte('\n')
	}
	return w.Flush()
}
