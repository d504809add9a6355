package program

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	o := &Output{Limit: 5}
	for _, c := range []struct {
		write, kept string
		exceeded    bool
	}{{"abc", "abc", false}, {"de", "abcde", false}, {"f", "abcde", true}, {"", "abcde", true}} {
		if n, err := io.WriteString(o, c.write); n != len(c.write) || err != nil {
			t.Errorf("Write(%q) = %d, %v", c.write, n, err)
		}
		if o.String() != c.kept || string(o.Bytes()) != c.kept || o.Exceeded() != c.exceeded {
			t.Errorf("after writing %q, the output is %q, exceeded %v", c.write, o.String(), o.Exceeded())
		}
	}
	// The limit also applies when io.Copy writes the output.
	o = &Output{Limit: 5}
	if n, err := io.Copy(o, strings.NewReader("abcdefgh")); n != 8 || err != nil || fmt.Sprint(o) != "abcde" || !o.Exceeded() {
		t.Errorf("io.Copy = %d, %v, the output is %v", n, err, o)
	}
}
