package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
)

var update = flag.Bool("update", false, "write the documented store again")

// The test store in documentDir has three openers: this passphrase, these recovery words, and a card with this
// key.
const (
	documentDir        = "testdata/store"
	documentPassphrase = "correct horse battery staple"
	documentWords      = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title"
	documentKey        = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
)

var documentItems = []Item{
	{Kind: "key", Name: "prod", Data: []byte(`{"Key":"prod"}`)},
	{Kind: "private", Name: "00112233445566778899aabbccddeeff", Data: []byte("a session")},
	{Kind: "key", Name: "root", Data: []byte("touched"), Touch: true},
}

func documentCard(t *testing.T) *testCard {
	raw, err := hex.DecodeString(documentKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ecdh.P256().NewPrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &testCard{PrivateKey: k}
}

func writeDocumentStore(t *testing.T) {
	workFactor = newWorkFactor
	defer func() { workFactor = 1 }()
	if err := os.RemoveAll(documentDir); err != nil {
		t.Fatal(err)
	}
	id, err := WordsIdentity(documentWords)
	if err != nil {
		t.Fatal(err)
	}
	card := documentCard(t).opener(t, "card")
	card.Card = 12345678
	s, err := Create(t.Context(), Config{Dir: documentDir, Lock: lockAt(filepath.Join(t.TempDir(), "lock"))}, nil, card,
		NewOpener{Opener: Opener{Name: "desk", Kind: Passphrase}, Passphrase: documentPassphrase},
		NewOpener{Opener: Opener{Name: "paper", Kind: Recovery, Recipient: id.Recipient().String()}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, documentItems...)
}

// TestDocument reads a store in the way that docs/sealed.md describes. From this package, it uses only the code
// that creates the identities of the openers.
func TestDocument(t *testing.T) {
	if *update {
		writeDocumentStore(t)
	}
	r := documentReader{t: t}
	r.header()
	identity := filepath.Join(documentDir, "identity-"+r.sum(r.opener("desk").Recipient)[:16])
	scrypt, err := age.NewScryptIdentity(documentPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	text := string(r.decryptAge(r.read(identity), scrypt))
	if !strings.HasPrefix(text, "AGE-SECRET-KEY-1") {
		t.Fatalf("%s contains no identity", identity)
	}
	desk, err := age.ParseX25519Identity(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	paper, err := WordsIdentity(documentWords)
	if err != nil {
		t.Fatal(err)
	}
	card := cardIdentity{documentCard(t)}
	master := r.decryptAge(r.Envelope, desk)
	for name, id := range map[string]age.Identity{"paper": paper, "card": card} {
		if !bytes.Equal(r.decryptAge(r.Envelope, id), master) {
			t.Errorf("%s decrypts a different key", name)
		}
	}
	r.fingerprint()
	r.master, r.touch = master, r.decryptAge(r.Touch, card)
	r.checkAuthentic()
	for _, want := range documentItems {
		if have := r.item(want.Kind, want.Name); have != string(want.Data) {
			t.Errorf("item %s is %q, want %q", want.Name, have, want.Data)
		}
	}
}

// A documentReader reads a store according to docs/sealed.md.
type documentReader struct {
	t *testing.T
	documented
	body, mac     string
	master, touch []byte
}

type documented struct {
	Format, Store, Key string
	Generation         int
	Openers            []struct{ Name, Kind, Recipient, Slot, Digest string }
	Envelope, Touch    []byte
}

func (r *documentReader) read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *documentReader) sum(text string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

func (r *documentReader) decryptAge(file []byte, id age.Identity) []byte {
	plain, err := age.Decrypt(bytes.NewReader(file), id)
	if err != nil {
		r.t.Fatal(err)
	}
	data, err := io.ReadAll(plain)
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *documentReader) header() {
	text := string(r.read(filepath.Join(documentDir, "store")))
	if text != string(r.read(filepath.Join(documentDir, "store.copy"))) {
		r.t.Error("store.copy differs from store")
	}
	lines := strings.SplitAfter(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[2] != "sum "+r.sum(lines[0]+lines[1])+"\n" {
		r.t.Fatalf("the header is %q", lines)
	}
	r.body, r.mac = lines[0], strings.TrimSpace(strings.TrimPrefix(lines[1], "mac "))
	if err := json.Unmarshal([]byte(r.body), &r.documented); err != nil || r.Format != "aws-vault sealed 1" {
		r.t.Fatal(r.Format, err)
	}
}

func (r *documentReader) fingerprint() {
	var lines []string
	for _, o := range r.Openers {
		lines = append(lines, o.Recipient+"\n")
	}
	slices.Sort(lines)
	want := r.sum("aws-vault sealed 1 openers\n" + r.Store + "\n" + r.Key + "\n" + strings.Join(lines, ""))[:20]
	s, err := Open(Config{Dir: documentDir})
	if err != nil {
		r.t.Fatal(err)
	}
	h := s.Header()
	if have := strings.ReplaceAll(h.Fingerprint(), " ", ""); have != want {
		r.t.Errorf("the fingerprint is %s, want %s", have, want)
	}
}

func (r *documentReader) opener(name string) struct{ Name, Kind, Recipient, Slot, Digest string } {
	for _, o := range r.Openers {
		if o.Name == name {
			return o
		}
	}
	r.t.Fatalf("no opener %s", name)
	panic("unreachable")
}

func (r *documentReader) hkdf(from []byte, salt, info string) []byte {
	key, err := hkdf.Key(sha256.New, from, []byte(salt), info, 32)
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

func (r *documentReader) hmac(key []byte, text string) string {
	m := hmac.New(sha256.New, key)
	io.WriteString(m, text)
	return hex.EncodeToString(m.Sum(nil))
}

func (r *documentReader) checkAuthentic() {
	if name := hex.EncodeToString(r.hkdf(r.master, r.Store, "aws-vault sealed 1 id")[:8]); name != r.Key {
		r.t.Errorf("the ID of the master key is %s, want %s", name, r.Key)
	}
	if mac := r.hmac(r.hkdf(r.master, r.Store, "aws-vault sealed 1 header"), r.body); mac != r.mac {
		r.t.Errorf("the header's mac is %s, want %s", r.mac, mac)
	}
}

func (r *documentReader) gcm(from []byte, salt string) cipher.AEAD {
	block, err := aes.NewCipher(r.hkdf(from, salt, "aws-vault sealed 1 item\n"+r.Store))
	if err != nil {
		r.t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		r.t.Fatal(err)
	}
	return aead
}

func (r *documentReader) item(kind, name string) string {
	file := r.hmac(r.hkdf(r.master, r.Store, "aws-vault sealed 1 names"), kind+"\x00"+name)[:32]
	data := string(r.read(filepath.Join(documentDir, "items-"+r.Key, file)))
	if !strings.HasPrefix(data, "aws-vault sealed item 1\n") {
		r.t.Fatalf("the file of item %s does not begin with the item header", name)
	}
	salt, data := data[24:56], data[56:]
	length := int(data[0])<<8 | int(data[1])
	sealedLabel, body := data[2:2+length], data[2+length:]
	location := fmt.Sprintf("aws-vault sealed 1\n%s\n%s\n%d\n%s\n", r.Store, r.Key, r.Generation, file)
	text, err := r.gcm(r.master, salt).Open(nil, make([]byte, 12), []byte(sealedLabel), []byte(location))
	if err != nil {
		r.t.Fatal(err)
	}
	var label struct {
		Kind, Name, Stamp string
		Generation        int
		Touch             bool
	}
	if err := json.Unmarshal(text, &label); err != nil || label.Kind != kind || label.Name != name || label.Generation != r.Generation || len(label.Stamp) != 16 {
		r.t.Errorf("the label of %s is %s, %v", name, text, err)
	}
	from := r.master
	if label.Touch {
		from = r.touch
	}
	plain, err := r.gcm(from, salt).Open(nil, []byte{11: 1}, []byte(body), []byte(location+string(text)))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(plain)
}
