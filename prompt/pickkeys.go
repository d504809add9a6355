package prompt

import (
	"context"
	"errors"
	"unicode/utf8"
)

// An action is what a key does to a list.
type action int

const (
	noAction action = iota
	insertText
	up
	down
	pageUp
	pageDown
	eraseOne
	eraseWord
	eraseAll
	acceptPick
	cancelPick
)

type keyPress struct {
	action action
	text   string // the text to insert; used only for insertText
}

const (
	ctrlN = 0x0e
	ctrlP = 0x10
)

// controlAction returns the action of a key that sends only the byte b.
func controlAction(b byte) action {
	switch b {
	case '\r', '\n':
		return acceptPick
	case ctrlC, ctrlD:
		return cancelPick
	case backspace, del:
		return eraseOne
	case ctrlW:
		return eraseWord
	case ctrlU:
		return eraseAll
	case ctrlN, '\t':
		return down
	case ctrlP:
		return up
	}
	return noAction
}

// sequenceAction returns the action of a key that sends an escape sequence. The argument rest is the part of the
// sequence after ESC [ or ESC O.
func sequenceAction(rest string) action {
	switch rest {
	case "A", "Z":
		return up
	case "B":
		return down
	case "5~":
		return pageUp
	case "6~":
		return pageDown
	}
	return noAction
}

// readKey waits for a key press and returns it. For a key that has no effect, the action is noAction.
func (l *list) readKey(ctx context.Context) (keyPress, error) {
	b, err := l.tty.ReadKey(ctx)
	if err != nil {
		return keyPress{}, err
	}
	if b == escape {
		return l.readSequence(ctx)
	}
	if a := controlAction(b); a != noAction {
		return keyPress{action: a}, nil
	}
	if b < ' ' {
		return keyPress{}, nil
	}
	text := []byte{b}
	for !utf8.FullRune(text) {
		if b, err = l.tty.ReadKey(ctx); err != nil {
			return keyPress{}, err
		}
		text = append(text, b)
	}
	if r, _ := utf8.DecodeRune(text); r == utf8.RuneError {
		return keyPress{}, nil
	}
	return keyPress{insertText, string(text)}, nil
}

// maxSequence is the maximum length in bytes of the part of an escape sequence after ESC [ or ESC O.
const maxSequence = 8

// readSequence reads the rest of an escape sequence. If no byte follows within escapeTimeout, the user has pressed
// the Escape key.
func (l *list) readSequence(ctx context.Context) (keyPress, error) {
	timeout, cancel := context.WithTimeout(ctx, escapeTimeout)
	defer cancel()
	b, err := l.tty.ReadKey(timeout)
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return keyPress{action: cancelPick}, nil
	case err != nil:
		return keyPress{}, err
	case b == escape:
		return keyPress{action: cancelPick}, nil
	case b != '[' && b != 'O':
		return keyPress{}, nil // ignore a letter that was typed with Alt
	}
	var rest []byte
	for len(rest) < maxSequence {
		if b, err = l.tty.ReadKey(ctx); err != nil {
			return keyPress{}, err
		}
		rest = append(rest, b)
		if b >= '@' && b <= '~' {
			break
		}
	}
	return keyPress{action: sequenceAction(string(rest))}, nil
}
