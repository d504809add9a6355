package prompt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
)

// controllingTerminal is empty, because programs on Windows do not open the terminal by its name.
const controllingTerminal = ""

// A console is the console of this process. It works even if standard input and output are redirected.
type console struct {
	in, out       windows.Handle
	wake          windows.Handle // an event; it is set to end the wait
	original      uint32
	keysEnabled   bool
	cursorEnabled bool   // whether EnableCursor has changed the output mode
	originalOut   uint32 // the output mode before EnableCursor
	highSurrogate rune   // the first half of a surrogate pair, until the second half is read
	pending       []byte // typed bytes that were not read yet
}

// OpenTTY opens the console. If there is none, it returns an error that wraps [ErrNoTerminal] and the reason.
func OpenTTY() (TTY, error) {
	in, err := openConsole("CONIN$")
	if err != nil {
		return nil, err
	}
	out, err := openConsole("CONOUT$")
	if err != nil {
		windows.CloseHandle(in)
		return nil, err
	}
	wake, err := windows.CreateEvent(nil, 0, 0, nil)
	if err != nil {
		windows.CloseHandle(in)
		windows.CloseHandle(out)
		return nil, err
	}
	return &console{in: in, out: out, wake: wake}, nil
}

func openConsole(name string) (windows.Handle, error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrNoTerminal, name, err)
	}
	return h, nil
}

func (c *console) Close() error {
	return errors.Join(c.Restore(false), windows.CloseHandle(c.in), windows.CloseHandle(c.out), windows.CloseHandle(c.wake))
}

// EnableKeys does not make Ctrl-C readable: Windows still converts it to an interrupt.
func (c *console) EnableKeys() error {
	if err := windows.GetConsoleMode(c.in, &c.original); err != nil {
		return fmt.Errorf("read the mode of the console: %w", err)
	}
	keys := c.original &^ (windows.ENABLE_LINE_INPUT | windows.ENABLE_ECHO_INPUT | windows.ENABLE_VIRTUAL_TERMINAL_INPUT)
	if err := windows.SetConsoleMode(c.in, keys|windows.ENABLE_PROCESSED_INPUT); err != nil {
		return fmt.Errorf("change the mode of the console: %w", err)
	}
	c.keysEnabled = true
	return nil
}

func (c *console) Restore(discard bool) error {
	if !c.keysEnabled {
		return nil
	}
	c.keysEnabled = false
	err := windows.SetConsoleMode(c.in, c.original)
	if c.cursorEnabled {
		c.cursorEnabled = false
		err = errors.Join(err, windows.SetConsoleMode(c.out, c.originalOut))
	}
	if discard {
		err = errors.Join(err, windows.FlushConsoleInputBuffer(c.in))
	}
	return err
}

// EnableCursor makes the console interpret control sequences. By default, a console does not interpret them.
// https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
func (c *console) EnableCursor() (columns, rows int, err error) {
	var info windows.ConsoleScreenBufferInfo
	if err := windows.GetConsoleScreenBufferInfo(c.out, &info); err != nil {
		return 0, 0, fmt.Errorf("read the size of the console: %w", err)
	}
	if err := windows.GetConsoleMode(c.out, &c.originalOut); err != nil {
		return 0, 0, fmt.Errorf("read the mode of the console: %w", err)
	}
	if err := windows.SetConsoleMode(c.out, c.originalOut|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING); err != nil {
		return 0, 0, fmt.Errorf("change the mode of the console: %w", err)
	}
	c.cursorEnabled = true
	return int(info.Window.Right-info.Window.Left) + 1, int(info.Window.Bottom-info.Window.Top) + 1, nil
}

func (c *console) ReadKey(ctx context.Context) (byte, error) {
	for len(c.pending) == 0 {
		if err := c.await(ctx); err != nil {
			return 0, err
		}
		e, err := c.readEvent()
		if err != nil {
			return 0, err
		}
		c.addKey(e)
	}
	b := c.pending[0]
	c.pending = c.pending[1:]
	return b, nil
}

// await waits for an event of the console, such as a key press.
func (c *console) await(ctx context.Context) error {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = windows.SetEvent(c.wake)
	})
	defer func() {
		if !stop() {
			<-woken // wait for SetEvent, because the caller may close the event after await returns
		}
	}()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		ready, err := windows.WaitForMultipleObjects([]windows.Handle{c.wake, c.in}, false, windows.INFINITE)
		if err != nil {
			return fmt.Errorf("wait for the console: %w", err)
		}
		if ready == windows.WAIT_OBJECT_0+1 {
			return nil
		}
	}
}

// Write shows s. It ignores the context, because a write to a console does not block.
func (c *console) Write(_ context.Context, s string) error {
	// No carriage returns are needed, because the console adds one to each line feed.
	units := utf16.Encode([]rune(s))
	for len(units) > 0 {
		var n uint32
		if err := windows.WriteConsole(c.out, &units[0], uint32(len(units)), &n, nil); err != nil {
			return fmt.Errorf("write to the console: %w", err)
		}
		units = units[min(int(n), len(units)):]
	}
	return nil
}

// A keyEvent is an INPUT_RECORD that describes a key press.
// https://learn.microsoft.com/windows/console/input-record-str
type keyEvent struct {
	kind    uint16
	_       uint16
	down    int32
	repeats uint16
	key     uint16
	_       uint16 // scan code
	unit    uint16 // the typed character as a UTF-16 code unit
	_       uint32 // state of Shift, Ctrl and other modifier keys
}

const (
	keyEventKind = 1
	altKey       = 0x12 // releasing Alt types the character whose number was typed on the number pad
	windowsEOF   = 0x1a // the character that Ctrl-Z types
)

// These are key codes of keys that type no character.
const (
	upKey   = 0x26
	downKey = 0x28
)

// arrowKey returns the control character that has the same effect in a list as an arrow key. For any other key, it
// returns zero. In a line prompt, these control characters have no effect.
func arrowKey(key uint16) uint16 {
	switch key {
	case upKey:
		return ctrlP
	case downKey:
		return ctrlN
	}
	return 0
}

var readConsoleInput = windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")

func (c *console) readEvent() (keyEvent, error) {
	var e keyEvent
	var n uint32
	ok, _, err := readConsoleInput.Call(uintptr(c.in), uintptr(unsafe.Pointer(&e)), 1, uintptr(unsafe.Pointer(&n)))
	if ok == 0 {
		return keyEvent{}, fmt.Errorf("read the console: %w", err)
	}
	return e, nil
}

// addKey appends the character that the key press e types to c.pending, as UTF-8.
func (c *console) addKey(e keyEvent) {
	if e.kind == keyEventKind && e.unit == 0 && e.down != 0 {
		e.unit = arrowKey(e.key)
	}
	if e.kind != keyEventKind || e.unit == 0 || e.down == 0 && e.key != altKey {
		return
	}
	r := rune(e.unit)
	switch {
	case r == windowsEOF:
		r = ctrlD
	case utf16.IsSurrogate(r) && c.highSurrogate == 0:
		c.highSurrogate = r
		return
	case c.highSurrogate != 0:
		r = utf16.DecodeRune(c.highSurrogate, r)
		c.highSurrogate = 0
	}
	for range max(e.repeats, 1) {
		c.pending = utf8.AppendRune(c.pending, r)
	}
}

// OpenTerminalFiles opens the console for another program that prompts the user. The caller must close both files. If
// there is no console, OpenTerminalFiles returns an error.
func OpenTerminalFiles() (in, out *os.File, err error) {
	in, err = os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, out, nil
}
