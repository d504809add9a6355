//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"syscall"

	"github.com/creack/pty"
)

// hello and environment are commands to run with credentials.
var (
	hello       = []string{"sh", "-c", "echo I am $AWS_VAULT"}
	environment = []string{"sh", "-c", "echo I am $AWS_VAULT; env | grep ^AWS_ | sort"}
)

// question ends what is printed before an answer is wanted.
const question = ": "

// answered runs a command on a terminal of its own and types the code when it is asked
// for. It returns what the terminal was sent, the echo of the code included.
func answered(command func([]string) *exec.Cmd, args []string, code func() string) ([]byte, error) {
	c := command(args)
	tty, err := pty.Start(c)
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	text, err := converse(tty, code)
	if e := c.Wait(); err == nil {
		err = e
	}
	return plain(text), err
}

// converse reads until the command has ended, and answers the first line that mentions
// MFA and waits.
func converse(tty io.ReadWriter, code func() string) ([]byte, error) {
	var text bytes.Buffer
	asked, some := false, make([]byte, 4096)
	for {
		n, err := tty.Read(some)
		text.Write(some[:n])
		last := text.Bytes()[bytes.LastIndexByte(text.Bytes(), '\n')+1:]
		if !asked && bytes.Contains(last, []byte("MFA")) && bytes.HasSuffix(last, []byte(question)) {
			asked = true
			if _, err := io.WriteString(tty, code()+"\r"); err != nil {
				return text.Bytes(), err
			}
		}
		if err == io.EOF || errors.Is(err, syscall.EIO) { // EIO is Linux's end of a terminal
			break
		}
		if err != nil {
			return text.Bytes(), err
		}
	}
	if !asked {
		return text.Bytes(), errors.New("it asked for no MFA code")
	}
	return text.Bytes(), nil
}
