package prompt

import (
	"context"
	"errors"
	"io"
	"strings"
)

// An echo is how the terminal shows typed characters.
type echo int

const (
	echoPlain   echo = iota // the character itself
	echoStars               // a star for each character
	echoNothing             // nothing
)

const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	ctrlW     = 0x17
	escape    = 0x1b
	del       = 0x7f
)

// A line is the line that the user is typing. We edit it ourselves because terminals cannot show stars.
// Reading byte by byte leaves input that was typed early to the next reader.
type line struct {
	tty      TTY
	question string // shown before the typed text
	echo     echo
	text     []byte // up to one byte longer than maxAnswer, so that the caller sees an answer that is too long
	sequence sequenceParser
}

// readLine shows question and returns the text that is typed until the line ends. It returns
// ErrCancelled for Ctrl-C, for Ctrl-D on an empty line, and if the terminal goes away.
func readLine(ctx context.Context, tty TTY, question string, e echo) (string, error) {
	l := line{tty: tty, question: question, echo: e}
	if err := tty.Write(ctx, question); err != nil {
		return "", err
	}
	for {
		b, err := tty.ReadKey(ctx)
		switch {
		case errors.Is(err, ErrRedraw):
			err = l.redraw(ctx)
		case errors.Is(err, io.EOF):
			return "", ErrCancelled
		case err == nil && l.sequence.consume(b):
		case err == nil && (b == '\r' || b == '\n'):
			return string(l.text), nil
		case err == nil && (b == ctrlC || b == ctrlD && len(l.text) == 0):
			return "", ErrCancelled
		case err == nil:
			err = l.press(ctx, b)
		}
		if err != nil {
			return "", err
		}
	}
}

// press edits the line.
func (l *line) press(ctx context.Context, b byte) error {
	switch {
	case b == backspace || b == del:
		return l.erase(ctx, 1)
	case b == ctrlU:
		return l.erase(ctx, len(l.text))
	case b == ctrlW && l.echo != echoPlain: // erasing single words would show where they end
		return l.erase(ctx, len(l.text))
	case b == ctrlW:
		trimmed := strings.TrimRight(string(l.text), " ")
		word := strings.LastIndexByte(trimmed, ' ') + 1
		return l.erase(ctx, countCharacters(l.text[word:]))
	case b < ' ' && b != '\t':
		return nil
	case len(l.text) > maxAnswer:
		return nil
	}
	l.text = append(l.text, b)
	return l.tty.Write(ctx, l.echo.render(l.text[len(l.text)-1:]))
}

// erase removes the last n characters, or all if there are fewer.
func (l *line) erase(ctx context.Context, n int) error {
	erased := 0
	for ; erased < n && len(l.text) > 0; erased++ {
		end := len(l.text) - 1
		for end > 0 && isContinuation(l.text[end]) {
			end--
		}
		clear(l.text[end:])
		l.text = l.text[:end]
	}
	if l.echo == echoNothing {
		return nil
	}
	return l.tty.Write(ctx, strings.Repeat("\b \b", erased))
}

// redraw shows the question again, with the text typed so far.
func (l *line) redraw(ctx context.Context) error {
	return l.tty.Write(ctx, "\n"+l.question+l.echo.render(l.text))
}

// render returns how the terminal shows text. A tab becomes a blank, which one backspace erases.
func (e echo) render(text []byte) string {
	switch e {
	case echoPlain:
		return strings.ReplaceAll(string(text), "\t", " ")
	case echoStars:
		return strings.Repeat("*", countCharacters(text))
	}
	return ""
}

// countCharacters counts UTF-8 characters. An invalid byte counts as one character.
func countCharacters(text []byte) int {
	n := 0
	for _, b := range text {
		if !isContinuation(b) {
			n++
		}
	}
	return n
}

// isContinuation reports whether b continues a UTF-8 character.
func isContinuation(b byte) bool { return b&0xC0 == 0x80 }

// A sequenceParser recognizes the escape sequences of cursor and function keys, which are not part of an
// answer.
type sequenceParser int

const (
	noSequence  sequenceParser = iota
	afterEscape                // after the escape byte
	inCSI                      // in a control sequence (CSI), until its final byte
	afterSS3                   // one more byte follows (SS3)
)

// consume reports whether b belongs to an escape sequence. A control character ends a sequence and
// counts as itself, so Enter and Ctrl-C still work after the Escape key.
func (k *sequenceParser) consume(b byte) bool {
	previous := *k
	*k = noSequence
	switch {
	case b == escape:
		*k = afterEscape
		return true
	case previous == noSequence || b < ' ':
		return false
	case previous == afterEscape && b == '[':
		*k = inCSI
	case previous == afterEscape && b == 'O':
		*k = afterSS3
	case previous == inCSI && (b < '@' || b > '~'):
		*k = inCSI
	}
	return true
}
