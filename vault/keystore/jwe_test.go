package keystore

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"

	jose "github.com/dvsekhvalnov/jose2go"
)

func TestJWE(t *testing.T) {
	for _, content := range []string{"", "a", strings.Repeat("long", 10000)} {
		sealed, err := sealJWE([]byte(content), newTestWrapping(t), "now")
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseJWE(sealed.String())
		if err != nil {
			t.Fatal(err)
		}
		if have, err := parsed.open(testPassphrase); err != nil || string(have) != content {
			t.Errorf("opened %.20q, %v, want %.20q", have, err, content)
		}
		if _, err := parsed.open("wrong"); !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("a wrong passphrase returned %v", err)
		}
	}
}

// TestJWEWithJose2go checks that this package and aws-vault 7's library read each other's tokens.
func TestJWEWithJose2go(t *testing.T) {
	token, err := jose.Encrypt("their content", jose.PBES2_HS256_A128KW, jose.A256GCM, testPassphrase, jose.Header("created", "now"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseJWE(token)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.String() != token {
		t.Error("String does not return the parsed token")
	}
	if have, err := parsed.open(testPassphrase); err != nil || string(have) != "their content" {
		t.Errorf("opened %q, %v", have, err)
	}
	sealed, err := sealJWE([]byte("our content"), newTestWrapping(t), "now")
	if err != nil {
		t.Fatal(err)
	}
	have, headers, err := jose.Decode(sealed.String(), testPassphrase)
	if err != nil || have != "our content" || headers["created"] != "now" {
		t.Errorf("the library opens %q with %v, %v", have, headers, err)
	}
}

func encodedHeader(header string) string { return base64.RawURLEncoding.EncodeToString([]byte(header)) }

// token returns a token with the given header and otherwise valid parts.
func token(header string) string {
	b := func(n int) string { return base64.RawURLEncoding.EncodeToString(make([]byte, n)) }
	return strings.Join([]string{encodedHeader(header), b(40), b(12), b(5), b(16)}, ".")
}

const goodHeader = `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":8192,"p2s":"AAAAAAAAAAAAAAAA"}`

func TestParseJWEErrors(t *testing.T) {
	if _, err := parseJWE(token(goodHeader)); err != nil {
		t.Fatalf("a good header returned %v", err)
	}
	change := func(old, new string) string { return token(strings.Replace(goodHeader, old, new, 1)) }
	good := strings.Split(token(goodHeader), ".")
	for name, token := range map[string]string{
		"no parts":        "",
		"too few parts":   strings.Join(good[:4], "."),
		"too many parts":  token(goodHeader) + ".AA",
		"line end inside": good[0] + "\n." + strings.Join(good[1:], "."),
		"padding":         token(goodHeader) + "==",
		"short key":       strings.Join([]string{good[0], "AAAA", good[2], good[3], good[4]}, "."),
		"long nonce":      strings.Join([]string{good[0], good[1], good[1], good[3], good[4]}, "."),
		"short tag":       strings.Join([]string{good[0], good[1], good[2], good[3], "AAAA"}, "."),
		"header not JSON": token("{"),
		"signed":          change("PBES2-HS256+A128KW", "none"),
		"other cipher":    change("A256GCM", "A128CBC-HS256"),
		"compressed":      change(`"enc"`, `"zip":"DEF","enc"`),
		"no rounds":       change("8192", "0"),
		"negative rounds": change("8192", "-1"),
		"too many rounds": change("8192", "1300001"),
		"endless rounds":  change("8192", "1e300"),
		"rounds as text":  change("8192", `"8192"`),
		"short salt":      change("AAAAAAAAAAAAAAAA", "AAAA"),
		"salt not base64": change("AAAAAAAAAAAAAAAA", "!!!!!!!!!!!!!!!!"),
	} {
		if _, err := parseJWE(token); err == nil {
			t.Errorf("%s: parseJWE accepted the token", name)
		}
	}
}

// TestParseJWELineBreak checks that the error names the line break, and not the number of parts.
func TestParseJWELineBreak(t *testing.T) {
	_, err := parseJWE(strings.Replace(token(goodHeader), ".", ".\n", 1))
	if err == nil || err.Error() != "the file has several lines, expected one (JSON Web Encryption)" {
		t.Errorf("got %v", err)
	}
}

func TestJWETampered(t *testing.T) {
	sealed, err := sealJWE([]byte("content"), newTestWrapping(t), "now")
	if err != nil {
		t.Fatal(err)
	}
	other, err := sealJWE([]byte("content"), newTestWrapping(t), "now")
	if err != nil {
		t.Fatal(err)
	}
	mixed := *sealed
	mixed.text, mixed.tag = other.text, other.tag
	if _, err := mixed.open(testPassphrase); !errors.Is(err, errTampered) {
		t.Errorf("another item's content returned %v, want %v", err, errTampered)
	}
}

func FuzzParseJWE(f *testing.F) {
	f.Add(token(goodHeader))
	f.Add("....")
	f.Add(token(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAA"}`))
	f.Fuzz(func(t *testing.T, token string) {
		parsed, err := parseJWE(token)
		if err != nil {
			return
		}
		if parsed.String() != token {
			t.Errorf("parsing %q and formatting it returned %q", token, parsed)
		}
		parsed.rounds = min(parsed.rounds, 2) // limit the duration; another test covers large numbers of rounds
		if _, err := parsed.open("p"); !errors.Is(err, ErrWrongPassphrase) && !errors.Is(err, errTampered) && err != nil {
			t.Errorf("unexpected error: %v", err)
		}
	})
}

func FuzzDecodePayload(f *testing.F) {
	f.Add(string(encodePayload(testItem("prod"))))
	f.Add(`{"Key":"a","Data":"!!"}`)
	f.Add(`{} {}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, data string) {
		it, err := decodePayload([]byte(data))
		if err != nil {
			if !errors.Is(err, errNotItem) && !errors.Is(err, errTrailing) {
				t.Errorf("unexpected error: %v", err)
			}
			return
		}
		again, err := decodePayload(encodePayload(it))
		if err != nil || !reflect.DeepEqual(again, it) {
			t.Errorf("encoding and decoding %+v returned %+v, %v", it, again, err)
		}
	})
}

// BenchmarkGuess measures one guess of a passphrase of the file keystore.
func BenchmarkGuess(b *testing.B) {
	under, err := newWrapping(testPassphrase)
	if err != nil {
		b.Fatal(err)
	}
	item, err := sealJWE([]byte("content"), under, "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := item.open("a wrong passphrase"); !errors.Is(err, ErrWrongPassphrase) {
			b.Fatal(err)
		}
	}
}
