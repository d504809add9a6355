package profile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const (
	plainID     = "AKIAIOSFODNN7EXAMPLE"
	plainSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	plainPair   = "aws_access_key_id = " + plainID + "\naws_secret_access_key = " + plainSecret + "\n"
)

func TestWithoutKey(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"alone", "[a]\n" + plainPair, "[a]\n"},
		{"among others", "[a]\n# mine\nregion = x\n" + plainPair + "output=json\n\n[b]\n", "[a]\n# mine\nregion = x\noutput=json\n\n[b]\n"},
		{"apart", "[a]\naws_secret_access_key=" + plainSecret + "\n\n; between\nAWS_ACCESS_KEY_ID : " + plainID + "\n", "[a]\n\n; between\n"},
		{"with a comment", "[a]\naws_access_key_id = " + plainID + " # old\naws_secret_access_key = " + plainSecret + "\n", "[a]\n"},
		{"carriage returns", "[a]\r\naws_access_key_id=" + plainID + "\r\naws_secret_access_key=" + plainSecret + "\r\nregion=x\r\n", "[a]\r\nregion=x\r\n"},
		{"no final newline", "[a]\nregion = x\naws_access_key_id=" + plainID + "\naws_secret_access_key=" + plainSecret, "[a]\nregion = x\n"},
		{"twice the same", "[a]\n" + plainPair + "[b]\n[a]\n" + plainPair, "[a]\n[b]\n[a]\n"},
		{"deep", "[a]\n  aws_access_key_id=" + plainID + "\n aws_secret_access_key=" + plainSecret + "\n [b]\n", "[a]\n [b]\n"},
		{"BOM", "\ufeff[a]\n" + plainPair, "\ufeff[a]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := credentials(t, c.text)
			k, ok, err := f.PlainKey("a")
			if err != nil || !ok {
				t.Fatalf("no key: %v", err)
			}
			got, err := WithoutKey(f, k)
			if err != nil || string(got) != c.want {
				t.Errorf("%q, error %v\nwant %q", got, err, c.want)
			}
		})
	}
	inConfig := config(t, "[profile a]\n"+plainPair+"region = x\n")
	k, _, _ := inConfig.PlainKey("a")
	if got, err := WithoutKey(inConfig, k); err != nil || string(got) != "[profile a]\nregion = x\n" {
		t.Errorf("a config file became %q, error %v", got, err)
	}
}

func TestWithoutKeyRefuses(t *testing.T) {
	f := credentials(t, "[a]\n"+plainPair)
	k, _, err := f.PlainKey("a")
	if err != nil {
		t.Fatal(err)
	}
	other := credentials(t, "[a]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = "+plainSecret+"\n")
	for _, changed := range []*File{other, credentials(t, "[a]\n"), credentials(t, "")} {
		if text, err := WithoutKey(changed, k); text != nil || !errors.Is(err, ErrKeyChanged) {
			t.Errorf("%q: %v", text, err)
		}
	}
	twice := credentials(t, "[a]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\n"+plainPair)
	var repeated *RepeatedKeyError
	if text, err := WithoutKey(twice, k); text != nil || !errors.As(err, &repeated) || repeated.Origin.Line != 2 || strings.Contains(err.Error(), "AKIA") {
		t.Errorf("%q: %v", text, err)
	}
	var syntax *SyntaxError
	if _, err := WithoutKey(credentials(t, "[a]\njunk\n"+plainPair), k); !errors.As(err, &syntax) {
		t.Errorf("a bad line: %v", err)
	}
}

func TestPlainKeys(t *testing.T) {
	f := credentials(t, "[a]\n"+plainPair+"[half]\naws_access_key_id = "+plainID+"\n[t]\n"+plainPair+"aws_session_token = IQoJb3JpZ2luX2VjEXAMPLETOKEN\n[bad]\njunk\n"+plainPair+"[wrong]\naws_access_key_id = a b\naws_secret_access_key = c d\n")
	keys := f.PlainKeys()
	if len(keys) != 2 || keys[0].Profile != "a" || keys[0].Temporary || keys[0].ID.Origin.Line != 2 || keys[1].Profile != "t" || !keys[1].Temporary {
		t.Errorf("%v", keys)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, keys); strings.Contains(text, plainSecret) || strings.Contains(text, plainID) {
			t.Errorf("%s prints the key", verb)
		}
	}
}

// WithoutKey removes the two lines of the access key. All other lines stay the same, even if they are invalid.
func TestWithoutKeyKeepsOtherLines(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	gone := 0
	for range 20_000 {
		eol := []string{"\n", "\r\n", "\r"}[r.IntN(3)]
		lines := []string{"[profile k]", "aws_access_key_id = " + plainID, "aws_secret_access_key=" + plainSecret}
		// The list all has the header and the two lines of the access key, with random lines before, between and
		// after them. The list rest has the same lines without the access key.
		var all, rest []string
		for _, l := range lines {
			for range r.IntN(3) {
				other := fragments[r.IntN(len(fragments))]
				all, rest = append(all, other), append(rest, other)
			}
			all = append(all, l)
			if l == lines[0] {
				rest = append(rest, l)
			}
		}
		tail := fragments[r.IntN(len(fragments))]
		all, rest = append(all, tail), append(rest, tail)
		f := config(t, strings.Join(all, eol))
		k, ok, err := f.PlainKey("k")
		if err != nil || !ok {
			continue // a random line was a header or could not be read
		}
		out, err := WithoutKey(f, k)
		if err != nil {
			if !isOurs(err) {
				t.Fatalf("%q: %v", f.text, err)
			}
			continue
		}
		gone++
		if want := strings.Join(rest, eol); string(out) != want {
			t.Fatalf("%q became %q, want %q", f.text, out, want)
		}
	}
	if gone < 2000 {
		t.Errorf("only %d keys were removed", gone)
	}
}

// For any file with an access key, the new text has no access key, and all other settings stay the same.
func FuzzWithoutKey(f *testing.F) {
	addCorpus(f, func(text []byte) { f.Add(text) })
	f.Add([]byte("[a]\r\n" + plainPair + " [b]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ParseCredentials("credentials", text)
		if err != nil {
			return
		}
		for _, k := range file.PlainKeys() {
			out, err := WithoutKey(file, k)
			if err != nil {
				if !isOurs(err) && !errors.As(err, new(*RepeatedKeyError)) {
					t.Fatal(err)
				}
				continue
			}
			again, err := ParseCredentials("credentials", out)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok, err := again.PlainKey(k.Profile); ok || err != nil {
				t.Fatalf("%q became %q, which still has the key of %q: %v", text, out, k.Profile, err)
			}
			if !slices.Equal(commentLines(string(text)), commentLines(string(out))) {
				t.Fatalf("%q became %q", text, out)
			}
		}
	})
}
