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

// hello and environment are commands that the demo runs with credentials.
var (
	hello       = []string{"sh", "-c", "echo I am $AWS_VAULT"}
	environment = []string{"sh", "-c", "echo I am $AWS_VAULT; env | grep ^AWS_ | sort"}
)

// question is the text at the end of every prompt.
const question = ": "

// runAndAnswer runs a command in its own pseudo terminal. When the command prompts for the MFA code, runAndAnswer types
// the code. It returns everything that the terminal displayed, including the code that was typed.
func runAndAnswer(command func([]string) *exec.Cmd, args []string, code func() string) ([]byte, error) {
	c := command(args)
	tty, err := pty.Start(c)
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	text, err := answerPrompt(tty, code)
	if e := c.Wait(); err == nil {
		err = e
	}
	return plain(text), err
}

// answerPrompt reads from the terminal until the command ends. It answers the first prompt that contains the word MFA.
func answerPrompt(tty io.ReadWriter, code func() string) ([]byte, error) {
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
		if err == io.EOF || errors.Is(err, syscall.EIO) { // Linux reports the end of a pseudo terminal as EIO
			break
		}
		if err != nil {
			return text.Bytes(), err
		}
	}
	if !asked {
		return text.Bytes(), errors.New("aws-vault did not prompt for an MFA code")
	}
	return text.Bytes(), nil
}
