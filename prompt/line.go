package prompt

import (
	"context"
	"errors"
	"io"
	"strings"
)

// An echo is the way in which the terminal shows typed characters.
type echo int

const (
	echoPlain   echo = iota // shows the character itself
	echoStars               // shows a star for each character
	echoNothing             // shows nothing
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

// A line is the line that the user is typing. We edit the line ourselves, because terminals cannot show stars
// instead of characters. We read one byte at a time, and so leave the input after the line to the next program.
type line struct {
	tty      TTY
	question string // shown before the text
	echo     echo
	text     []byte // what the user has typed; at most maxAnswer+1 bytes, so that the caller can detect a longer answer
	sequence sequenceParser
}

// readLine shows the question and returns the text that the user types before the end of the line. It returns
// ErrCancelled in three cases: the user presses Ctrl-C, the user presses Ctrl-D on an empty line, or the terminal
// is gone.
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

// press applies the key b to the line.
func (l *line) press(ctx context.Context, b byte) error {
	switch {
	case b == backspace || b == del:
		return l.erase(ctx, 1)
	case b == ctrlU:
		return l.erase(ctx, len(l.text))
	case b == ctrlW && l.echo != echoPlain: // erase the whole line; erasing one word would show where the word starts
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

// erase removes the last n characters, or all characters if the line has fewer than n.
func (l *line) erase(ctx context.Context, n int) error {
	shown := countCharacters(l.text)
	for ; n > 0 && len(l.text) > 0; n-- {
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
	// The terminal does not show a continuation byte at the start of the line, so no backspace erases it.
	return l.tty.Write(ctx, strings.Repeat("\b \b", shown-countCharacters(l.text)))
}

// redraw repeats the question and the text typed so far, on a new line.
func (l *line) redraw(ctx context.Context) error {
	return l.tty.Write(ctx, "\n"+l.question+l.echo.render(l.text))
}

// render returns what the terminal shows for text. A tab is shown as a space, so that one backspace erases it.
func (e echo) render(text []byte) string {
	switch e {
	case echoPlain:
		return strings.ReplaceAll(string(text), "\t", " ")
	case echoStars:
		return strings.Repeat("*", countCharacters(text))
	}
	return ""
}

// countCharacters returns the number of UTF-8 characters in text. Each character has exactly one byte that is not
// a continuation byte, so countCharacters counts these bytes. An invalid byte that is not a continuation byte
// counts as one character.
func countCharacters(text []byte) int {
	n := 0
	for _, b := range text {
		if !isContinuation(b) {
			n++
		}
	}
	return n
}

// isContinuation reports whether b is a continuation byte, which follows the first byte of a UTF-8 character.
func isContinuation(b byte) bool { return b&0xC0 == 0x80 }

// A sequenceParser recognizes the escape sequences that cursor keys and function keys send. They are not part of
// an answer.
type sequenceParser int

const (
	noSequence  sequenceParser = iota
	afterEscape                // the last byte was the escape byte
	inCSI                      // inside a control sequence (CSI), before its final byte
	afterSS3                   // inside an SS3 sequence, which has one more byte
)

// consume reports whether b belongs to an escape sequence. A control character ends a sequence but does not belong
// to it, so Enter and Ctrl-C still work after the Escape key has been pressed.
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
