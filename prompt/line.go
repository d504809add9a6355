package prompt

import (
	"context"
	"errors"
	"io"
	"strings"
)

// An echo is what a typed character leaves on the terminal.
type echo int

const (
	echoPlain   echo = iota // itself
	echoStars               // a star
	echoNothing             // echoNothing
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

// A line is one that the user is typing. We edit it ourselves, on every system alike: kernels cannot show stars, and
// reading byte by byte leaves what was typed ahead to whoever it is for.
type line struct {
	tty      TTY
	question string // what stands before it
	echo     echo
	text     []byte // at most one byte more than an answer may have, which tells that it was too long
	sequence sequenceParser
}

// readLine shows ask and returns what is typed up to the line's end. It returns ErrCancelled for Ctrl-C, Ctrl-D on an
// empty line, and a terminal that goes away.
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
	case b == ctrlW && l.echo != echoPlain: // to erase by words would tell where they end
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

// erase takes n characters, or as many as there are, from the end.
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

// redraw puts the question again, with what was typed so far.
func (l *line) redraw(ctx context.Context) error {
	return l.tty.Write(ctx, "\n"+l.question+l.echo.render(l.text))
}

// render returns what text leaves on the terminal. A tab would take more columns than one backspace gives back.
func (e echo) render(text []byte) string {
	switch e {
	case echoPlain:
		return strings.ReplaceAll(string(text), "\t", " ")
	case echoStars:
		return strings.Repeat("*", countCharacters(text))
	}
	return ""
}

// countCharacters counts them, each byte that is not UTF-8 as one.
func countCharacters(text []byte) int {
	n := 0
	for _, b := range text {
		if !isContinuation(b) {
			n++
		}
	}
	return n
}

// isContinuation says whether b continues a UTF-8 character.
func isContinuation(b byte) bool { return b&0xC0 == 0x80 }

// A keys follows the sequences that cursor and function keys send, which are no part of an answer.
type sequenceParser int

const (
	noSequence  sequenceParser = iota
	afterEscape                // after an escape
	inCSI                      // in a control sequence (CSI), up to its final byte
	afterSS3                   // one byte after it remains (SS3)
)

// consume says whether b belongs to such a sequence. A control character ends one and counts as itself, so that nobody
// is stuck after pressing the escape key.
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
