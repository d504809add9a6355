package sealed

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"io"
	"testing"

	"filippo.io/age"
	"filippo.io/age/tag"
)

// TestTagMatchesAge checks that cardIdentity decrypts what age's own tag package encrypts, and that both compute
// the same tags.
func TestTagMatchesAge(t *testing.T) {
	card := newTestCard(t)
	name := card.opener(t, "one").Recipient
	theirs, err := tag.ParseRecipient(name)
	if err != nil {
		t.Fatal(err)
	}
	if theirs.String() != name {
		t.Errorf("age formats the recipient as %s, want %s", theirs, name)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, theirs)
	if err == nil {
		_, err = io.WriteString(w, "a secret")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(&out, cardIdentity{card})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "a secret" || card.touches != 1 {
		t.Errorf("opened %q, %v, with %d touches", text, err, card.touches)
	}
	ours, err := parseTagRecipient(name)
	if err != nil {
		t.Fatal(err)
	}
	stanzas, err := ours.Wrap(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	enc, ok := ours.match(stanzas[0])
	have, _ := ours.tag(enc)
	want, err := theirs.Tag(enc)
	if !ok || err != nil || !bytes.Equal(have, want) {
		t.Errorf("the tag is %x, want %x, %v", have, want, err)
	}
}

func TestTagErrors(t *testing.T) {
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := CardRecipient(x25519.PublicKey()); err == nil {
		t.Errorf("a key on another curve was accepted as %s", name)
	}
	if name, err := CardRecipient(nil); err == nil {
		t.Errorf("a missing key was accepted as %s", name)
	}
	for _, text := range []string{"", "age1tag1", "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"} {
		if _, err := parseTagRecipient(text); err == nil {
			t.Errorf("parseTagRecipient accepted %q", text)
		}
	}
	card := newTestCard(t)
	ours, err := parseTagRecipient(card.opener(t, "one").Recipient)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ours.Wrap(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]age.Stanza{
		"another type": {Type: "X25519", Args: good[0].Args},
		"no key":       {Type: tagType, Args: good[0].Args[:1]},
		"no tag":       {Type: tagType, Args: []string{"!", good[0].Args[1]}},
		"no base64":    {Type: tagType, Args: []string{good[0].Args[0], "!"}},
		"another tag":  {Type: tagType, Args: []string{"AAAAAA", good[0].Args[1]}},
	} {
		if _, err := (cardIdentity{card}).Unwrap([]*age.Stanza{&s}); err == nil || card.touches != 0 {
			t.Errorf("%s: %v, %d touches", name, err, card.touches)
		}
	}
}
