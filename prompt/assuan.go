package prompt

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxAssuan is the maximum length in bytes of a line in the Assuan protocol, including the line feed.
// https://www.gnupg.org/documentation/manuals/assuan/Client-requests.html
const maxAssuan = 1000

// assuanLine returns a line with a command and its escaped argument. If the line is too long for the protocol, it
// is truncated.
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

// An AssuanError is an ERR response of a program to a command.
type AssuanError struct {
	Code int    // error code of libgpg-error, in the low sixteen bits
	Text string // error message of the program
}

func (e *AssuanError) Error() string { return fmt.Sprintf("error %d: %s", e.Code&0xFFFF, e.Text) }

// A reply is the response of the program to one command.
type reply struct {
	data []byte
	err  error // an *AssuanError if the command failed
}

var errAssuanShort = errors.New("the program ended too early: expected OK or ERR for each command")

// assuanReplies parses the output of a program, which consists of a greeting and n replies. It returns an error if
// the output has fewer than n replies, or contains a line that is not part of the protocol.
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
			return nil, errors.New("the program sent INQUIRE, expected OK or ERR")
		default:
			return nil, errors.New("the program wrote a line that is not part of the Assuan protocol")
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

// assuanData decodes the escapes in a data line. Its errors do not quote the line, because the line may contain a
// secret.
func assuanData(s string) ([]byte, error) {
	var data []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			data = append(data, s[i])
			continue
		}
		if i+2 >= len(s) {
			return nil, errors.New("a data line ends in an incomplete escape")
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
