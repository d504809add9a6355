package prompt

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxAssuan bounds a line of the protocol, in bytes, its line feed included.
// https://www.gnupg.org/documentation/manuals/assuan/Client-requests.html
const maxAssuan = 1000

// assuanLine returns a command with its argument escaped, cut where the protocol's bound is.
func assuanLine(command, argument string) string {
	var b strings.Builder
	b.WriteString(command)
	if argument != "" {
		b.WriteByte(' ')
	}
	for _, c := range argument {
		s := string(c)
		if c < ' ' || c == '%' || c == 0x7f {
			s = fmt.Sprintf("%%%02X", c)
		}
		if b.Len()+len(s) > maxAssuan-1 {
			break
		}
		b.WriteString(s)
	}
	b.WriteByte('\n')
	return b.String()
}

// An AssuanError is what the other side of the protocol refused with.
type AssuanError struct {
	Code int    // as libgpg-error composes it: the error in the low sixteen bits
	Text string // its words for it
}

func (e *AssuanError) Error() string { return fmt.Sprintf("error %d: %s", e.Code&0xFFFF, e.Text) }

// A reply is the answer to one command.
type reply struct {
	data []byte
	err  error // an *AssuanError if it was refused
}

var errAssuanShort = errors.New("ended before it had answered, want OK or ERR to each command")

// assuanReplies reads the greeting and want replies from what the other side wrote. It returns an error if there are
// fewer, or a line is none of the protocol's.
func assuanReplies(out []byte, n int) ([]reply, error) {
	var all []reply
	var r reply
	for l := range bytes.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimRight(string(l), "\r\n"), " ")
		switch {
		case word == "OK":
		case word == "ERR":
			r.err = parseAssuanError(rest)
		case word == "D":
			data, err := assuanData(rest)
			if err != nil {
				return nil, err
			}
			r.data = append(r.data, data...)
			continue
		case word == "S" || strings.HasPrefix(word, "#"):
			continue
		case word == "INQUIRE":
			return nil, errors.New("inquires, want an answer")
		default:
			return nil, errors.New("writes a line that is none of the Assuan protocol")
		}
		all, r = append(all, r), reply{}
	}
	if len(all) < n+1 {
		return nil, errAssuanShort
	}
	return all[1 : n+1], nil
}

func parseAssuanError(rest string) error {
	number, text, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(number)
	if err != nil {
		code = 0
	}
	return &AssuanError{Code: code, Text: sanitize(text)}
}

// assuanData undoes the escapes of a data line. The error does not quote it: it may be the secret.
func assuanData(s string) ([]byte, error) {
	var data []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			data = append(data, s[i])
			continue
		}
		if i+2 >= len(s) {
			return nil, errors.New("a data line ends in half an escape")
		}
		b, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return nil, errors.New("a data line has an escape that is not hexadecimal")
		}
		data = append(data, byte(b))
		i += 2
	}
	return data, nil
}
