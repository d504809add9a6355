package main

import (
	"fmt"
	"html"
	"os"
	"strings"
)

// picture draws the part of a transcript between two remarks as a terminal window, in SVG.
func picture(file, transcript, from, to string) error {
	_, text, ok := strings.Cut(transcript, from)
	if !ok {
		return fmt.Errorf("the transcript has no %q", from)
	}
	text, _, _ = strings.Cut(text, to)
	const left, top, line, column = 16, 24, 18, 7.8
	lines := strings.Split(strings.TrimSpace(text), "\n")
	widest := 0
	for _, l := range lines {
		widest = max(widest, len([]rune(l)))
	}
	width, height := 2*left+int(column*float64(widest)), 2*top+line*(len(lines)-1)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="ui-monospace,Menlo,Consolas,monospace" font-size="13">`+"\n", width, height)
	b.WriteString(`<rect width="100%" height="100%" rx="6" fill="#1d2021"/>` + "\n")
	for i, l := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s" xml:space="preserve">%s</text>`+"\n", left, top+line*i, colour(l), html.EscapeString(l))
	}
	b.WriteString("</svg>\n")
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// colour returns the colour of a line. Commands, remarks and output have different colours.
func colour(line string) string {
	switch {
	case strings.HasPrefix(line, "$ "):
		return "#b8bb26"
	case strings.HasPrefix(line, "#"):
		return "#928374"
	}
	return "#ebdbb2"
}
