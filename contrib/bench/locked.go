package main

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

const passphrase = "correct-horse"

// fewer is how many runs are enough for what takes a third of a second.
const fewer = 9

// firstSealed measures exec with a sealed keystore that is locked, beside the derivation that makes
// it slow on purpose: opening the store's identity with the passphrase.
func (b *bencher) firstSealed() (figure, error) {
	h, err := b.warmHome(plain, "alice", "AWS_VAULT_BACKEND=sealed", "AWS_VAULT_SEALED_PASSPHRASE="+passphrase)
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	found, err := filepath.Glob(filepath.Join(h.dir, ".local", "share", "aws-vault", "sealed", "identity-*"))
	if err != nil || len(found) != 1 {
		return figure{}, fmt.Errorf("%q are the identities of the sealed store, want one", found)
	}
	sealed, err := os.ReadFile(found[0])
	if err != nil {
		return figure{}, err
	}
	return b.first(fewer, h.exec("alice"), func() error { return openIdentity(sealed) })
}

func openIdentity(sealed []byte) error {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	return err
}

// firstFile is the same with the file keystore. No session is kept: the key itself is opened.
func (b *bencher) firstFile() (figure, error) {
	h, err := b.newHome(plain)
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	if err := h.key("alice"); err != nil {
		return figure{}, err
	}
	derive, err := h.derivation()
	if err != nil {
		return figure{}, err
	}
	return b.first(b.runs, h.exec("alice", "--no-session"), derive)
}

func (b *bencher) first(runs int, c contender, derive func() error) (figure, error) {
	const alone = "derivation"
	f, t, err := b.beside(runs, c, act(alone, derive))
	if err != nil {
		return figure{}, err
	}
	f.here += ", the derivation alone " + ms(t[alone].median())
	f.met = true
	return f, nil
}

// derivation is what the file keystore does with its passphrase for each item that it opens,
// with the rounds that Alice's says.
func (h *home) derivation() (func() error, error) {
	item, err := os.ReadFile(filepath.Join(h.dir, ".awsvault", "keys", "alice"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(item), ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, fmt.Errorf("an item of the file keystore: %w", err)
	}
	var header struct {
		Rounds int    `json:"p2c"`
		Salt   string `json:"p2s"`
	}
	if err := json.Unmarshal(raw, &header); err != nil || header.Rounds == 0 {
		return nil, fmt.Errorf("an item of the file keystore begins with %q, want the rounds of its derivation: %v", raw, err)
	}
	return func() error {
		_, err := pbkdf2.Key(sha256.New, passphrase, []byte(header.Salt), header.Rounds, 16)
		return err
	}, nil
}
