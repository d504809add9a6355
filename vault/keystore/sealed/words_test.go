package sealed

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	words, recipient, err := NewWords()
	if err != nil || len(words) != WordCount {
		t.Fatalf("%d words, %v", len(words), err)
	}
	id, err := WordsIdentity(" " + strings.ToUpper(strings.Join(words, " \n")) + "\n")
	if err != nil || id.Recipient().String() != recipient {
		t.Fatalf("the words encode another identity, %v", err)
	}
	var wrong *WordError
	for name, change := range map[string]func([]string) []string{
		"one missing": func(w []string) []string { return w[1:] },
		"one unknown": func(w []string) []string { w[3] = "aluminium"; return w },
		"none":        func([]string) []string { return nil },
	} {
		_, err := WordsIdentity(strings.Join(change(append([]string{}, words...)), " "))
		if !errors.As(err, &wrong) || strings.Contains(err.Error(), "aluminium") {
			t.Errorf("%s: %v, want a *WordError that does not quote the word", name, err)
		}
	}
}

// The examples are test vectors of BIP 39.
// https://github.com/trezor/python-mnemonic/blob/master/vectors.json
func TestWordVectors(t *testing.T) {
	for secret, want := range map[byte]string{
		0x00: strings.Repeat("abandon ", 23) + "art",
		0x7f: strings.Repeat("legal winner thank year wave sausage worth useful ", 2) + "legal winner thank year wave sausage worth title",
		0xff: strings.Repeat("zoo ", 23) + "vote",
	} {
		data := bytes.Repeat([]byte{secret}, keySize)
		if have := strings.Join(encodeWords(data), " "); have != want {
			t.Errorf("%x is %q, want %q", secret, have, want)
		}
		back, err := decodeWords(strings.Fields(want))
		if err != nil || !bytes.Equal(back, data) {
			t.Errorf("%q is %x, %v", want, back, err)
		}
		swapped := strings.Replace(want, want[:strings.Index(want, " ")], "abstract", 1)
		if _, err := decodeWords(strings.Fields(swapped)); err == nil {
			t.Errorf("a wrong word was accepted: %q", swapped)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add(strings.Repeat("zoo ", 23) + "vote")
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Fields(strings.ToLower(text))
		secret, err := decodeWords(words)
		var wrong *WordError
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("error %v, want a *WordError", err)
		}
		if err == nil && strings.Join(encodeWords(secret), " ") != strings.Join(words, " ") {
			t.Errorf("decoding and encoding %q does not return the same words", text)
		}
	})
}

func FuzzHeader(f *testing.F) {
	w := newFixture(f)
	h := w.create(f).Header()
	k := newMasterKey()
	data, err := h.encode(k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHeader(data)
		if err != nil {
			return
		}
		again, err := h.encode(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseHeader(again); err != nil {
			t.Errorf("a parsed and encoded header cannot be parsed again: %v", err)
		}
	})
}

func FuzzItem(f *testing.F) {
	h := &Header{Store: strings.Repeat("0", 32), Key: strings.Repeat("0", 16), Generation: 1}
	k := newMasterKey()
	file := k.fileName(h.Store, "key", "prod")
	good, err := sealItem(h, k, nil, file, key("prod"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := openLabel(h, k, file, data)
		if err != nil {
			return
		}
		if it, err := o.open(h, nil); err == nil && (!bytes.Equal(data, good) || it.Name != "prod") {
			t.Errorf("a forged file was decrypted: %+v", it)
		}
	})
}
