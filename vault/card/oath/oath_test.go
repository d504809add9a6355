package oath

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/fakecard"
)

// A transport makes a fakecard.Card usable as a Transport.
type transport struct{ *fakecard.Card }

var errPulled = errors.New("pulled")

func (p transport) Transmit(command []byte) ([]byte, error) {
	answer := p.Card.Transmit(command)
	if answer == nil {
		return nil, errPulled
	}
	return answer, nil
}

func selectKey(t *testing.T, c *fakecard.Card) *Key {
	t.Helper()
	k, err := Select(transport{c})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const serial = "arn:aws:iam::123456789012:mfa/alice"

// example is the secret of the test vectors in RFC 6238, in base32.
const example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestCode(t *testing.T) {
	k := selectKey(t, fakecard.New(fakecard.Options{}))
	secret, err := Secret(example)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Put(serial, secret, false); err != nil {
		t.Fatal(err)
	}
	accounts, err := k.Accounts()
	if err != nil || len(accounts) != 1 || accounts[0].Name != serial || !accounts[0].Timed || accounts[0].Period != 30*time.Second {
		t.Fatalf("%+v, %v", accounts, err)
	}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} {
		if code, err := k.Code(accounts[0], time.Unix(at, 0)); err != nil || code != want {
			t.Errorf("at %d: %s, %v, want %s", at, code, err, want)
		}
	}
	if err := k.Delete(accounts[0]); err != nil {
		t.Error(err)
	}
	if _, err := k.Code(accounts[0], time.Now()); !errors.Is(err, ErrNoAccount) {
		t.Errorf("code of a deleted account: %v", err)
	}
	if err := k.Delete(accounts[0]); !errors.Is(err, ErrNoAccount) {
		t.Errorf("second deletion: %v", err)
	}
}

// TestSecretsOfAnyLength checks that a key and the fake AWS compute the same codes, for secrets of several lengths.
func TestSecretsOfAnyLength(t *testing.T) {
	k := selectKey(t, fakecard.New(fakecard.Options{}))
	for _, text := range []string{"GEZDGNBVGY3TQOJQ", example, strings.Repeat("ABCDEFGH", 8), strings.Repeat("A2", 48) + "AAAAAA"} {
		secret, err := Secret(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := k.Put("x", secret, false); err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1900000000, 0)
		code, err := k.Code(account("x", true), now)
		want, wantErr := fakeaws.TOTP(text, now)
		if err != nil || wantErr != nil || code != want {
			t.Errorf("%s: %s, %v, want %s, %v", text, code, err, want, wantErr)
		}
	}
	if err := k.Put("x", make([]byte, 65), false); err == nil {
		t.Error("a secret of 65 bytes was accepted")
	}
	var e *NameError
	if err := k.Put(strings.Repeat("x", 65), make([]byte, 20), false); !errors.As(err, &e) {
		t.Errorf("account name of 65 bytes: %v", err)
	}
}

func TestTouch(t *testing.T) {
	c := fakecard.New(fakecard.Options{})
	k := selectKey(t, c)
	secret, _ := Secret(example)
	for name, touch := range map[string]bool{"with": true, "60/without": false} {
		if err := k.Put(name, secret, touch); err != nil {
			t.Fatal(err)
		}
	}
	touched, err := k.TouchRequired()
	if err != nil || !touched["with"] || touched["without"] {
		t.Errorf("%v, %v", touched, err)
	}
	if c.Usage().Touches != 0 {
		t.Error("TouchRequired required a touch")
	}
	if code, err := k.Code(account("with", true), time.Unix(59, 0)); err != nil || code != "287082" {
		t.Errorf("%s, %v", code, err)
	}
	c.MissTouch(1)
	if _, err := k.Code(account("with", true), time.Unix(59, 0)); !errors.Is(err, ErrTouch) {
		t.Errorf("code without a touch: %v", err)
	}
	if code, err := k.Code(account("60/without", true), time.Unix(119, 0)); err != nil || code != "287082" {
		t.Errorf("code with a period of one minute: %s, %v", code, err)
	}
}

// setPassword sets a password on the key. The package oath has no function for that.
func setPassword(t *testing.T, k *Key, password string) {
	t.Helper()
	secret, err := pbkdf2.Key(sha1.New, password, k.salt, 1000, 16)
	if err != nil {
		t.Fatal(err)
	}
	challenge := []byte("12345678")
	if _, err := k.do("SET CODE", 0x03, 0, 0, join(field{tagKey, append([]byte{1}, secret...)}, field{tagChallenge, challenge}, field{tagResponse, mac(secret, challenge)})); err != nil {
		t.Fatal(err)
	}
}

func TestPassword(t *testing.T) {
	c := fakecard.New(fakecard.Options{})
	k := selectKey(t, c)
	if k.Locked() {
		t.Fatal("a new key is locked")
	}
	setPassword(t, k, "pässword")
	if k = selectKey(t, c); !k.Locked() {
		t.Fatal("the key is not locked")
	}
	for what, err := range map[string]error{
		"list":    errorOf(k.Accounts()),
		"touched": errorOf(k.TouchRequired()),
		"code":    errorOf(k.Code(account("x", true), time.Now())),
		"put":     k.Put("x", make([]byte, 20), false),
		"delete":  k.Delete(account("x", true)),
	} {
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := k.Unlock("password"); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("wrong password: %v", err)
	}
	if err := k.Unlock("pässword"); err != nil || k.Locked() {
		t.Fatal(err)
	}
	if _, err := k.Accounts(); err != nil {
		t.Error(err)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// Unlock refuses a key that accepts the password without proving that it knows the password too.
func TestUnlockVerifiesKeyResponse(t *testing.T) {
	k := &Key{card: script{{0x75, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 0x90, 0}}, salt: []byte("salt"), challenge: []byte("12345678")}
	var e *AnswerError
	if err := k.Unlock("x"); !errors.As(err, &e) || !k.Locked() {
		t.Errorf("%v", err)
	}
}

// TestManyAccounts stores so many accounts on a key that the key sends its list in parts.
func TestManyAccounts(t *testing.T) {
	k := selectKey(t, fakecard.New(fakecard.Options{}))
	n := 0
	for ; ; n++ {
		err := k.Put(fmt.Sprintf("account number %d with quite a long name", n), make([]byte, 20), false)
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	accounts, err := k.Accounts()
	if err != nil || len(accounts) != n || n < 20 {
		t.Errorf("%d accounts, want %d: %v", len(accounts), n, err)
	}
}

func TestSerial(t *testing.T) {
	for _, version := range [][3]byte{{5, 7, 1}, {4, 3, 5}} {
		got, err := Serial(transport{fakecard.New(fakecard.Options{Serial: 4711, Version: version})})
		if err != nil || got != "4711" {
			t.Errorf("firmware %v: %q, %v", version, got, err)
		}
	}
	if got, err := Serial(script{{0x6a, 0x82}, {0x6a, 0x82}}); got != "" || err != nil {
		t.Errorf("serial of a key that does not report one: %q, %v", got, err)
	}
	if _, err := Serial(script{}); !errors.Is(err, errPulled) {
		t.Errorf("key removed: %v", err)
	}
	if _, err := Serial(script{{0x90, 0}}); !errors.Is(err, errPulled) {
		t.Errorf("key removed: %v", err)
	}
}

// A script is a Transport that returns prepared responses, one for each command.
type script [][]byte

func (s script) Transmit([]byte) ([]byte, error) {
	for i, answer := range s {
		if answer != nil {
			s[i] = nil
			return answer, nil
		}
	}
	return nil, errPulled
}

func TestHostileAnswers(t *testing.T) {
	var answer *AnswerError
	var status *StatusError
	ok := []byte{0x90, 0}
	for name, c := range map[string]struct {
		answers script
		do      func(*Key) error
		want    any
	}{
		"nothing":            {script{{}}, func(k *Key) error { return errorOf(k.Accounts()) }, &answer},
		"a status":           {script{{0x6d, 0}}, func(k *Key) error { return errorOf(k.Accounts()) }, &status},
		"another tag":        {script{append([]byte{0x71, 0}, ok...)}, func(k *Key) error { return errorOf(k.Accounts()) }, &answer},
		"too long a field":   {script{append([]byte{0x72, 9, 1}, ok...)}, func(k *Key) error { return errorOf(k.Accounts()) }, &answer},
		"a code of 5 digits": {script{append([]byte{0x76, 5, 5, 1, 2, 3, 4}, ok...)}, func(k *Key) error { return errorOf(k.Code(account("x", true), time.Now())) }, &answer},
		"half a code":        {script{append([]byte{0x76, 2, 6, 1}, ok...)}, func(k *Key) error { return errorOf(k.Code(account("x", true), time.Now())) }, &answer},
		"half a pair":        {script{append([]byte{0x71, 1, 'x'}, ok...)}, func(k *Key) error { return errorOf(k.TouchRequired()) }, &answer},
		"no name":            {script{append([]byte{0x76, 0, 0x76, 0}, ok...)}, func(k *Key) error { return errorOf(k.TouchRequired()) }, &answer},
		"a status to unlock": {script{{0x6d, 0}}, func(k *Key) error { return k.Unlock("x") }, &status},
	} {
		err := c.do(&Key{card: c.answers, salt: []byte("s")})
		if !errors.As(err, c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	endless := script(slices.Repeat([][]byte{append(make([]byte, 255), 0x61, 0)}, 100))
	if _, err := (&Key{card: endless}).Accounts(); !errors.As(err, &answer) {
		t.Errorf("endless response: %v", err)
	}
	for _, hello := range [][]byte{{0x6a, 0x82}, {0x90, 0}, {0x71, 9, 0x90, 0}, {0x6f, 0}} {
		if _, err := Select(script{hello}); err == nil {
			t.Errorf("SELECT succeeded with the response %x", hello)
		}
	}
	if _, err := Select(script{{0x6a, 0x82}}); !errors.Is(err, ErrNoApplet) {
		t.Errorf("card without the applet: %v", err)
	}
	pulled := fakecard.New(fakecard.Options{})
	k := selectKey(t, pulled)
	k.card = script{}
	for _, err := range []error{errorOf(k.Accounts()), errorOf(k.TouchRequired()), k.Unlock("x"), errorOf(k.Code(account("x", true), time.Now()))} {
		if !errors.Is(err, errPulled) {
			t.Errorf("key removed: %v", err)
		}
	}
}

func TestSecret(t *testing.T) {
	for text, good := range map[string]bool{
		example: true, "gezd gnbv gy3t qojq\n": true, "GEZDGNBVGY3TQOJQ====": true, "GEZD-GNBV-GY3T-QOJQ": true,
		"": false, "GEZDGNBV": false, "0189GEZDGNBVGY3TQOJQ": false, strings.Repeat("A", 200): false, "ключключключключ": false,
	} {
		secret, err := Secret(text)
		if (err == nil) != good || err != nil && !errors.Is(err, ErrSecret) || good && len(secret) < 10 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x71, 1, 'x', 0x76, 0})
	f.Fuzz(func(t *testing.T, text []byte) {
		fields, whole := parse(text)
		if again := join(fields...); !bytes.HasPrefix(text, again) || whole && len(again) != len(text) {
			t.Errorf("%x was parsed and joined to %x", text, again)
		}
	})
}

// FuzzAnswers checks that no response from a key causes a panic or an error of more than one line.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{0x72, 2, 0x21, 'x', 0x90, 0}, []byte{0x76, 5, 6, 1, 2, 3, 4, 0x90, 0})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		for _, do := range []func(*Key) error{
			func(k *Key) error { return errorOf(k.Accounts()) },
			func(k *Key) error { return errorOf(k.TouchRequired()) },
			func(k *Key) error { return errorOf(k.Code(account("x", true), time.Now())) },
			func(k *Key) error { return k.Unlock("x") },
			func(k *Key) error { return errorOf(Select(k.card)) },
		} {
			err := do(&Key{card: script{bytes.Clone(one), bytes.Clone(two)}, salt: []byte("s")})
			if err != nil && strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
		}
	})
}
