package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A Choice is one name out of many.
type Choice struct {
	Text  string   // what is chosen: "AWS profile"
	Names []string // in the order in which they are offered
}

// Pick has the user choose a name on the controlling terminal, by typing parts of it and with
// the arrow keys. The list is drawn there and nowhere else, and is gone afterwards; the
// terminal is asked nothing. Pick returns [ErrNoTerminal] where there is no terminal and
// [ErrCancelled] if the user declines or ctx is cancelled. The terminal is as it was before.
func Pick(ctx context.Context, env Env, c Choice) (name string, err error) {
	tty, err := openKeys(env)
	if err != nil {
		return "", err
	}
	defer tty.Close()
	defer func() {
		if e := tty.Restore(false); err == nil && e != nil {
			name, err = "", e
		}
	}()
	l := list{tty: tty, choice: c, columns: 80, rows: maxListed}
	if s, ok := tty.(cursorTTY); ok {
		columns, rows, err := s.EnableCursor()
		if err != nil {
			return "", err
		}
		l.columns, l.rows = columns, min(maxListed, rows-3) // render which one is the question and one says how many there are
	}
	l.rows = max(l.rows, 1)
	name, err = l.run(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = contextError(ctx)
	}
	return name, err
}

// A canvas is a terminal on which the cursor can be moved.
type cursorTTY interface {
	// EnableCursor returns the terminal's size, and makes cursor moves work until Restore.
	EnableCursor() (columns, rows int, err error)
}

const (
	// maxListed is how many names are shown at once.
	maxListed = 10

	// maxTyped is how many bytes may be typed to find a name.
	maxTyped = 200

	// escapeTimeout is how long the rest of an arrow key may be on its way; after it, the escape
	// key was pressed.
	escapeTimeout = 100 * time.Millisecond
)

// Cursor moves that every terminal has known since the VT100.
const (
	eraseBelow = "\r\x1b[J"
	moveUp     = "\x1b[%dA"
)

// A list is the names that fit what was typed, one of them marked.
type list struct {
	tty           TTY
	choice        Choice
	columns, rows int

	typed    string
	selected int // among those that fit
}

func (l *list) run(ctx context.Context) (string, error) {
	for {
		matches := match(l.choice.Names, l.typed)
		l.selected = max(0, min(l.selected, len(matches)-1))
		if err := l.draw(ctx, matches); err != nil {
			return "", err
		}
		k, err := l.readKey(ctx)
		switch {
		case errors.Is(err, ErrRedraw):
			err = l.tty.Write(ctx, "\n")
		case errors.Is(err, io.EOF), k.action == cancelPick && err == nil:
			err = fmt.Errorf("nothing was chosen: %w", ErrCancelled) // the escape key, or Ctrl-C where it comes as a byte
		case err == nil && k.action == acceptPick && len(matches) > 0:
			return matches[l.selected], l.finish(ctx, matches[l.selected])
		case err == nil:
			l.press(k)
		}
		if err != nil {
			// With a context of its own: the user's is gone, and the list shall go too.
			return "", errors.Join(err, l.finish(context.WithoutCancel(ctx), ""))
		}
	}
}

// press changes what was typed or which name is marked.
func (l *list) press(k keyPress) {
	switch k.action {
	case up:
		l.selected--
	case down:
		l.selected++
	case pageUp:
		l.selected -= l.rows
	case pageDown:
		l.selected += l.rows
	case eraseOne:
		_, n := utf8.DecodeLastRuneInString(l.typed)
		l.typed, l.selected = l.typed[:len(l.typed)-n], 0
	case eraseAll:
		l.typed, l.selected = "", 0
	case eraseWord:
		l.typed, l.selected = l.typed[:strings.LastIndexByte(strings.TrimRight(l.typed, " "), ' ')+1], 0
	case insertText:
		if len(l.typed) < maxTyped {
			l.typed, l.selected = l.typed+k.text, 0
		}
	}
}

// draw shows the question with the list below it, and leaves the cursor behind what was typed.
func (l *list) draw(ctx context.Context, matches []string) error {
	first := max(0, l.selected-l.rows+1)
	shownNames := matches[first:min(len(matches), first+l.rows)]
	var b strings.Builder
	question := l.truncate(sanitize(l.choice.Text) + ": " + sanitize(l.typed))
	b.WriteString(eraseBelow + question)
	for i, name := range shownNames {
		mark := "  "
		if first+i == l.selected {
			mark = "> "
		}
		b.WriteString("\n" + l.truncate(mark+sanitize(name)))
	}
	b.WriteString("\n" + l.truncate(fmt.Sprintf("  %d of %d; Enter takes, Esc leaves", len(matches), len(l.choice.Names))))
	fmt.Fprintf(&b, moveUp, len(shownNames)+1)
	b.WriteString("\r" + question)
	return l.tty.Write(ctx, b.String())
}

// finish takes the list away and leaves what was chosen.
func (l *list) finish(ctx context.Context, name string) error {
	return l.tty.Write(ctx, eraseBelow+l.truncate(sanitize(l.choice.Text)+": "+sanitize(name))+"\n")
}

// truncate shortens a line so that it takes one row. How wide a character is that is not ASCII,
// only the terminal knows: it is counted as two.
func (l *list) truncate(line string) string {
	room := l.columns - 1
	for i, r := range line {
		width := 1
		if r >= utf8.RuneSelf {
			width = 2
		}
		if room -= width; room < 0 {
			return line[:i]
		}
	}
	return line
}
