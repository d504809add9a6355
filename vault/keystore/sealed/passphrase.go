package sealed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"aws-vault/vault/disk"
)

// minWorkFactor is the logarithm of scrypt's N; age's r is 8 and its p is 1. It is OWASP's minimum.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
const minWorkFactor = 17

var workFactor = minWorkFactor // tests need no strength

// maxWorkFactor bounds what a file may have us do: 1 GiB of memory for some seconds.
const maxWorkFactor = 20

// maxIdentity bounds the file of an identity, which has some 300 bytes.
const maxIdentity = 4 << 10

// maxPrompts is how often a passphrase is asked for before a wrong answer stands.
const maxPrompts = 3

// identityPrefix begins the name of each file that holds an identity.
const identityPrefix = "identity-"

// identityFile is the file that holds the identity of a recipient.
func identityFile(recipient string) string {
	sum := sha256.Sum256([]byte(recipient))
	return identityPrefix + hex.EncodeToString(sum[:8])
}

// sealIdentity puts an identity under a passphrase.
func sealIdentity(id *age.X25519Identity, passphrase string) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(workFactor)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, id.String()+"\n"); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// openIdentity opens what sealIdentity made. A passphrase that does not open it is
// [ErrWrongPassphrase].
func openIdentity(data []byte, passphrase string) (*age.X25519Identity, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrWrongPassphrase // an empty one
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(data), id)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrWrongPassphrase
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxIdentity))
	if err != nil {
		return nil, err
	}
	found, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("it holds no identity") // the error itself may quote what it holds
	}
	return found, nil
}

// openByPassphrase asks for a passphrase, and tries it on each opener that has one. An answer
// given twice is not tried again: it does not come from someone who mistyped.
func openByPassphrase(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.options.Passphrase == nil {
		return MasterKey{}, ErrAbsent
	}
	ask := PassphrasePrompt{Dir: a.dir}
	for _, o := range openers {
		ask.Openers = append(ask.Openers, o.Name)
	}
	files, err := readIdentities(disk.NewFolder(a.dir), openers)
	if err != nil {
		return MasterKey{}, err
	}
	last := ""
	for ; ask.Wrong < maxPrompts; ask.Wrong++ {
		text, err := a.options.Passphrase(ctx, ask)
		if err != nil {
			return MasterKey{}, err
		}
		if ask.Wrong > 0 && text == last {
			break
		}
		k, err := a.tryPassphrase(openers, files, text)
		if !errors.Is(err, ErrWrongPassphrase) {
			return k, err
		}
		last = text
	}
	return MasterKey{}, &OpenerError{strings.Join(ask.Openers, ", "), ErrWrongPassphrase}
}

// readIdentities reads the openers' files. One that is damaged is nil, unless all are.
func readIdentities(dir *disk.Folder, openers []Opener) ([][]byte, error) {
	files, read := make([][]byte, len(openers)), 0
	var failed error
	for i, o := range openers {
		if files[i], failed = readIdentity(dir, o); failed == nil {
			read++
		}
	}
	if read > 0 {
		return files, nil
	}
	return nil, failed
}

// readIdentity reads the file of an opener, as it was written.
func readIdentity(dir *disk.Folder, o Opener) ([]byte, error) {
	file := identityFile(o.Recipient)
	data, err := dir.Read(file, maxIdentity)
	if err == nil && digest(data) != o.Digest {
		err = errChecksum
	}
	if err != nil {
		return nil, &DamagedError{dir.File(file), err}
	}
	return data, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (a attempt) tryPassphrase(openers []Opener, files [][]byte, text string) (MasterKey, error) {
	var failed error = ErrWrongPassphrase
	for i, o := range openers {
		if files[i] == nil {
			continue
		}
		id, err := openIdentity(files[i], text)
		switch {
		case errors.Is(err, ErrWrongPassphrase):
			continue
		case err == nil && id.Recipient().String() != o.Recipient:
			err = errors.New("it holds the identity of another opener")
			fallthrough
		case err != nil:
			failed = &DamagedError{filepath.Join(a.dir, identityFile(o.Recipient)), err}
			continue
		}
		return unwrap(a.envelope, id)
	}
	return MasterKey{}, failed
}
