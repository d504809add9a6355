package prompt

import (
	"errors"
	"strings"
	"testing"
)

func TestAssuanLine(t *testing.T) {
	for _, c := range []struct{ command, argument, want string }{
		{"BYE", "", "BYE\n"},
		{"SETDESC", "100% of\nalice\r\x7f", "SETDESC 100%25 of%0Aalice%0D%7F\n"},
		{"SETDESC", "é_", "SETDESC é_\n"},
		{"SETDESC", strings.Repeat("%", 400), "SETDESC " + strings.Repeat("%25", 330) + "\n"},
	} {
		got := assuanLine(c.command, c.argument)
		if got != c.want || len(got) > maxAssuan {
			t.Errorf("%s of %q is %q, want %q", c.command, c.argument, got, c.want)
		}
	}
}

func TestAssuanReplies(t *testing.T) {
	for name, c := range map[string]struct {
		out  string
		want int
		data string // expected data of the last reply
		err  string
	}{
		"data":            {"OK hello\n# comment\nS PASSWORD_FROM_CACHE\nD a%25b\nD %0Ac\nOK\n", 1, "a%b\nc", ""},
		"data, CRLF":      {"OK\r\nD a b \r\nOK\r\n", 1, "a b ", ""},
		"empty":           {"OK\nOK\n", 1, "", ""},
		"more than asked": {"OK\nD a\nOK\nOK closing connection\n", 1, "a", ""},
		"short":           {"OK\nD a\n", 1, "", "ended too early"},
		"nothing":         {"", 0, "", "ended too early"},
		"half an escape":  {"OK\nD secret%4\nOK\n", 1, "", "incomplete escape"},
		"bad escape":      {"OK\nD secret%zz\nOK\n", 1, "", "not hexadecimal"},
		"inquiry":         {"OK\nINQUIRE QUALITY a\n", 1, "", "INQUIRE"},
		"garbage":         {"OK\nsecret\n", 1, "", "not part of the Assuan protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			replies, err := assuanReplies([]byte(c.out), c.want)
			if err != nil {
				if c.err == "" || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret") {
					t.Errorf("the error is %q, want %q and no secret", err, c.err)
				}
				return
			}
			if got := string(replies[c.want-1].data); c.err != "" || got != c.data || len(replies) != c.want {
				t.Errorf("got data %q and %d replies, want %q and %d, error %q", got, len(replies), c.data, c.want, c.err)
			}
		})
	}
}

func TestAssuanError(t *testing.T) {
	replies, err := assuanReplies([]byte("OK\nERR 83886179 Operation cancelled <Pinentry>\nOK\nERR what\n"), 3)
	if err != nil {
		t.Fatal(err)
	}
	var first, last *AssuanError
	if !errors.As(replies[0].err, &first) || replies[1].err != nil || !errors.As(replies[2].err, &last) {
		t.Fatalf("the replies are %v, want the first and the last refused", replies)
	}
	if first.Code != 83886179 || first.Error() != "error 99: Operation cancelled <Pinentry>" || last.Code != 0 {
		t.Errorf("the errors are %v and %v", first, last)
	}
}

// FuzzAssuanData checks that an answer stays the same when it is encoded and decoded again.
func FuzzAssuanData(f *testing.F) {
	f.Add("a%b\nc", "OK\nD %4")
	f.Add("", "ERR")
	f.Fuzz(func(t *testing.T, answer, out string) {
		if len(answer) < 100 && strings.ToValidUTF8(answer, "") == answer {
			got, err := assuanReplies([]byte("OK\n"+assuanLine("D", answer)+"OK\n"), 1)
			if err != nil || string(got[0].data) != answer {
				t.Errorf("%q is decoded as %v, %v", answer, got, err)
			}
		}
		if replies, err := assuanReplies([]byte(out), 2); err == nil && len(replies) != 2 {
			t.Errorf("%q has %d replies, want 2", out, len(replies))
		}
	})
}
