//go:build interop && linux

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A chromium is a headless Chromium with one page, controlled through a pipe.
// https://chromedevtools.github.io/devtools-protocol/
type chromium struct {
	cmd     *exec.Cmd
	to      *os.File
	from    *bufio.Reader
	session string // the DevTools session of the page
	sent    int    // number of messages sent
	loads   int    // number of load events that the method "until" has not consumed yet
}

// browserTime is the time limit for one browser.
const browserTime = time.Minute

var errNotFound = errors.New("the expression has no value")

// startChromium starts a browser with a new browser profile in folder.
func startChromium(ctx context.Context, folder string, flags []string) (*chromium, error) {
	ours, theirs, err := twoPipes()
	if err != nil {
		return nil, err
	}
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
		"--disable-breakpad", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+folder, "--remote-debugging-pipe", "about:blank")
	cmd := exec.CommandContext(ctx, "chromium", flags...)
	cmd.ExtraFiles = theirs[:]
	// Chromium runs several processes. In their own process group, they can be ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for _, f := range theirs {
		f.Close()
	}
	c := &chromium{cmd: cmd, to: ours[1], from: bufio.NewReader(ours[0])}
	if err := c.openPage(); err != nil {
		return nil, errors.Join(err, c.cmd.Cancel(), c.cmd.Wait())
	}
	return c, nil
}

// twoPipes creates two pipes. The first result contains the ends for the test, and the second result contains the
// ends for the browser.
func twoPipes() (ours, theirs [2]*os.File, err error) {
	if theirs[0], ours[1], err = os.Pipe(); err != nil {
		return ours, theirs, err
	}
	ours[0], theirs[1], err = os.Pipe()
	return ours, theirs, err
}

func (c *chromium) openPage() error {
	var target struct{ TargetID string }
	if err := c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct{ SessionID string }
	if err := c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return err
	}
	c.session = attached.SessionID
	return c.call("Page.enable", nil, nil)
}

// A message is sent to the browser or received from it through a pipe.
type message struct {
	ID        int    `json:"id,omitempty"`
	Method    string `json:"method,omitempty"`
	SessionID string `json:"sessionId,omitempty"`
	Params    any    `json:"params,omitempty"`

	Result json.RawMessage           `json:"result,omitempty"`
	Error  *struct{ Message string } `json:"error,omitempty"`
}

// call calls a method of the browser and decodes its result.
func (c *chromium) call(method string, params, result any) error {
	c.sent++
	text, err := json.Marshal(message{ID: c.sent, Method: method, SessionID: c.session, Params: params})
	if err != nil {
		return err
	}
	if _, err := c.to.Write(append(text, 0)); err != nil {
		return err
	}
	for {
		m, err := c.read()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", method, err)
		case m.ID != c.sent:
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(m.Result, result)
		}
	}
}

func (c *chromium) read() (m message, err error) {
	text, err := c.from.ReadBytes(0)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		return m, err
	}
	if m.Method == "Page.loadEventFired" {
		c.loads++
	}
	return m, nil
}

// evaluate evaluates a JavaScript expression in the page and stores its value. If the value is null, evaluate
// returns errNotFound.
func (c *chromium) evaluate(expression string, value any) error {
	var out struct {
		Result struct{ Value json.RawMessage }
	}
	if err := c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &out); err != nil {
		return err
	}
	if v := string(out.Result.Value); v == "" || v == "null" {
		return errNotFound
	}
	return json.Unmarshal(out.Result.Value, value)
}

// until waits until a JavaScript expression has a value. It evaluates the expression again after each page that loads.
func (c *chromium) until(expression string, value any) error {
	for {
		if c.evaluate(expression, value) == nil {
			return nil
		}
		for c.loads == 0 {
			if _, err := c.read(); err != nil {
				return fmt.Errorf("waiting for %s: %w", expression, err)
			}
		}
		c.loads--
	}
}

func (c *chromium) visit(page string) error {
	return c.call("Page.navigate", map[string]any{"url": page}, nil)
}

// A point is a position in the page.
type point struct{ X, Y float64 }

// button waits for the button with this value and returns its centre.
func (c *chromium) button(value string) (at point, err error) {
	err = c.until(`(() => {
		const b = document.querySelector('button[value="`+value+`"]')?.getBoundingClientRect();
		return b ? { x: b.x + b.width / 2, y: b.y + b.height / 2 } : null;
	})()`, &at)
	return at, err
}

// click presses and releases the mouse button.
func (c *chromium) click(at point) error {
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		event := map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}
		if err := c.call("Input.dispatchMouseEvent", event, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *chromium) close() error {
	c.session = ""
	err := c.call("Browser.close", nil, nil)
	c.to.Close()
	return errors.Join(err, c.cmd.Wait())
}
