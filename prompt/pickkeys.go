package prompt

import (
	"context"
	"errors"
	"unicode/utf8"
)

// An act is what a key does to a list.
type act int

const (
	nothingAtAll act = iota
	letter
	up
	down
	pageUp
	pageDown
	eraseOne
	eraseWord
	eraseAll
	accept
	giveUp
)

type keyPress struct {
	act  act
	text string // of a letter
}

const (
	ctrlN = 0x0e
	ctrlP = 0x10
)

// controlKey is what a key does that sends one byte.
func controlKey(b byte) act {
	switch b {
	case '\r', '\n':
		return accept
	case ctrlC, ctrlD:
		return giveUp
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
	return nothingAtAll
}

// longKey is what a key does that sends several, these behind an escape and "[" or "O".
func longKey(rest string) act {
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
	return nothingAtAll
}

// readKey waits for a key. One that means nothing here is nothingAtAll.
func (l *list) readKey(ctx context.Context) (keyPress, error) {
	b, err := l.tty.ReadKey(ctx)
	if err != nil {
		return keyPress{}, err
	}
	if b == escape {
		return l.readSequence(ctx)
	}
	if a := controlKey(b); a != nothingAtAll {
		return keyPress{act: a}, nil
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
	return keyPress{letter, string(text)}, nil
}

// maxSequence is the most that is read of a key that sends several bytes.
const maxSequence = 8

// readSequence reads what comes behind an escape. If nothing comes, it was the escape key.
func (l *list) readSequence(ctx context.Context) (keyPress, error) {
	soon, cancel := context.WithTimeout(ctx, escapeTime)
	defer cancel()
	b, err := l.tty.ReadKey(soon)
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return keyPress{act: giveUp}, nil
	case err != nil:
		return keyPress{}, err
	case b == escape:
		return keyPress{act: giveUp}, nil
	case b != '[' && b != 'O':
		return keyPress{}, nil // a letter with the Alt key
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
	return keyPress{act: longKey(string(rest))}, nil
}
