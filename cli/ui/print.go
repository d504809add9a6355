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

// PrintEscapedJSON is PrintJSON for the commands that have always printed <, > and & escaped.
func PrintEscapedJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
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
