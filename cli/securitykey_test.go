package cli_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"aws-vault/vault/vaulttest/card"
)

// The virtual keys of each script, by the folder it works in.
var (
	keysLock sync.Mutex
	keysOf   = map[string]*keyring{}
)

// A keyring is what is plugged into a script's computer.
type keyring struct {
	service *card.Service
	cards   map[string]*card.Card
	release func()
}

// keys returns a script's keyring. The PC/SC service runs from when it is first asked for.
func keys(ts *testscript.TestScript) *keyring {
	keysLock.Lock()
	defer keysLock.Unlock()
	work := ts.Getenv("WORK")
	if k, ok := keysOf[work]; ok {
		return k
	}
	dir, err := os.MkdirTemp("", "keys") // a socket's path has to be short
	ts.Check(err)
	path := filepath.Join(dir, "s")
	service, err := card.Listen(path)
	ts.Check(err)
	ts.Defer(func() {
		service.Close()
		os.RemoveAll(dir)
	})
	ts.Setenv(card.SocketVariable, path)
	keysOf[work] = &keyring{service: service, cards: map[string]*card.Card{}}
	return keysOf[work]
}

// key does something about the security keys of a script: key plug NAME SERIAL, key pull NAME,
// key hold NAME, key release, key miss NAME N, key password NAME TEXT, key touches NAME.
func key(ts *testscript.TestScript, _ bool, args []string) {
	k := keys(ts)
	if len(args) < 2 && args[0] != "release" {
		ts.Fatalf("key %q: want the name of a key", args)
	}
	switch args[0] {
	case "plug":
		serial, err := strconv.Atoi(args[2])
		ts.Check(err)
		k.cards[args[1]] = card.New(card.Options{Serial: uint32(serial)})
		k.service.Insert(args[1], k.cards[args[1]])
	case "pull":
		k.service.Unplug(args[1])
	case "hold":
		release, ok := k.service.Hold(args[1])
		if !ok {
			ts.Fatalf("key %s cannot be held", args[1])
		}
		k.release = release
	case "release":
		k.release()
	case "miss":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		k.cards[args[1]].MissTouch(n)
	case "password":
		protect(ts, k.cards[args[1]], args[2])
	case "touches":
		_, err := ts.Stdout().Write([]byte(strconv.Itoa(k.cards[args[1]].Asked().Touches) + "\n"))
		ts.Check(err)
	default:
		ts.Fatalf("key: unknown command %q", args[0])
	}
}

// protect sets the password of a key's accounts, as Yubico's programs do.
// https://developers.yubico.com/OATH/YKOATH_Protocol.html
func protect(ts *testscript.TestScript, c *card.Card, password string) {
	hello := c.Transmit([]byte{0, 0xa4, 4, 0, 7, 0xa0, 0, 0, 5, 0x27, 0x21, 1})
	salt := hello[bytes.IndexByte(hello, 0x71)+2:][:8]
	secret, err := pbkdf2.Key(sha1.New, password, salt, 1000, 16)
	ts.Check(err)
	challenge := []byte("EXAMPLE!")
	mac := hmac.New(sha1.New, secret)
	mac.Write(challenge)
	data := append([]byte{0x73, 17, 1}, secret...)
	data = append(append(data, 0x74, 8), challenge...)
	data = append(append(data, 0x75, 20), mac.Sum(nil)...)
	if answer := c.Transmit(append([]byte{0, 3, 0, 0, byte(len(data))}, data...)); !bytes.Equal(answer, []byte{0x90, 0}) {
		ts.Fatalf("the password was not set: %x", answer)
	}
}
