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

// A Choice is a list of names from which the user chooses one name.
type Choice struct {
	Text  string   // what the names stand for, such as "AWS profile"
	Names []string // the names, in the order in which they are shown
}

// Pick lets the user choose a name on the controlling terminal, by typing parts of the name or with the arrow
// keys. It removes the list from the terminal at the end. It sends no queries to the terminal. It returns
// [ErrNoTerminal] if there is no terminal, and [ErrCancelled] if the user cancels or ctx is cancelled. It always
// restores the terminal's settings.
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
		l.columns, l.rows = columns, min(maxListed, rows-3) // three rows are for the question, the count and an empty row
	}
	l.rows = max(l.rows, 1)
	name, err = l.run(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = contextError(ctx)
	}
	return name, err
}

// A cursorTTY is a terminal on which the program can move the cursor.
type cursorTTY interface {
	// EnableCursor makes cursor movements possible until Restore is called. It returns the terminal's size.
	EnableCursor() (columns, rows int, err error)
}

const (
	// maxListed is the maximum number of names that are shown at once.
	maxListed = 10

	// maxTyped is the maximum length of the typed text, in bytes.
	maxTyped = 200

	// escapeTimeout is how long to wait for the next byte after an escape byte. If no byte follows, the user has
	// pressed the Escape key.
	escapeTimeout = 100 * time.Millisecond
)

// All terminals since the VT100 support these control sequences.
const (
	eraseBelow = "\r\x1b[J"
	moveUp     = "\x1b[%dA"
)

// A list shows the names that match the typed text. One of these names is selected.
type list struct {
	tty           TTY
	choice        Choice
	columns, rows int

	typed    string
	selected int // index of the selected name in the matches
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
			err = fmt.Errorf("nothing was chosen: %w", ErrCancelled) // the user cancelled, or the terminal is gone
		case err == nil && k.action == acceptPick && len(matches) > 0:
			return matches[l.selected], l.finish(ctx, matches[l.selected])
		case err == nil:
			l.press(k)
		}
		if err != nil {
			// Remove the list from the terminal even if ctx has ended.
			return "", errors.Join(err, l.finish(context.WithoutCancel(ctx), ""))
		}
	}
}

// press applies the key k to the typed text or to the selection.
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

// draw shows the question with the typed text, and the list below. At the end the cursor is after the typed text.
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
	b.WriteString("\n" + l.truncate(fmt.Sprintf("  %d of %d; Enter selects, Esc cancels", len(matches), len(l.choice.Names))))
	fmt.Fprintf(&b, moveUp, len(shownNames)+1)
	b.WriteString("\r" + question)
	return l.tty.Write(ctx, b.String())
}

// finish removes the list from the terminal, and shows the question with the chosen name.
func (l *list) finish(ctx context.Context, name string) error {
	return l.tty.Write(ctx, eraseBelow+l.truncate(sanitize(l.choice.Text)+": "+sanitize(name))+"\n")
}

// truncate shortens a line to the width of the terminal. A character that is not ASCII counts as two columns,
// because its real width depends on the terminal.
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
