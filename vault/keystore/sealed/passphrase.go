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

// newWorkFactor is the work factor of new files: the base-2 logarithm of scrypt's parameter N. It is the value that age
// uses. With it, scrypt needs 256 MiB of memory. OWASP recommends at least 17 for age's r = 8 and p = 1.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
const newWorkFactor = 18

var workFactor = newWorkFactor // tests use a lower value to be faster

// maxWorkFactor is the maximum work factor that is accepted from a file. With it, scrypt needs 1 GiB of memory and
// a few seconds.
const maxWorkFactor = 20

// maxIdentity is the maximum size of an identity's file, in bytes. The usual size is about 300 bytes.
const maxIdentity = 4 << 10

// maxPrompts is the maximum number of passphrase prompts. After this many wrong answers, the operation fails.
const maxPrompts = 3

// identityPrefix is the start of the names of identity files.
const identityPrefix = "identity-"

// identityFile returns the name of the file that contains the identity for a recipient.
func identityFile(recipient string) string {
	sum := sha256.Sum256([]byte(recipient))
	return identityPrefix + hex.EncodeToString(sum[:8])
}

// sealIdentity encrypts an identity with a passphrase.
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

// openIdentity decrypts an identity that sealIdentity encrypted. It returns [ErrWrongPassphrase] for a wrong
// passphrase.
func openIdentity(data []byte, passphrase string) (*age.X25519Identity, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrWrongPassphrase // age rejects an empty passphrase
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
		return nil, errors.New("the file contains no identity") // the original error can quote the secret
	}
	return found, nil
}

// openByPassphrase prompts for a passphrase and tries it on each of the given openers. If two answers in a row are
// the same, openByPassphrase fails without another prompt, because such answers come from a program or a variable,
// not from a user who mistyped.
func openByPassphrase(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.options.Passphrase == nil {
		return MasterKey{}, ErrAbsent
	}
	prompt := PassphrasePrompt{Dir: a.dir}
	for _, o := range openers {
		prompt.Openers = append(prompt.Openers, o.Name)
	}
	files, err := readIdentities(disk.NewFolder(a.dir), openers)
	if err != nil {
		return MasterKey{}, err
	}
	last := ""
	for ; prompt.Wrong < maxPrompts; prompt.Wrong++ {
		text, err := a.options.Passphrase(ctx, prompt)
		if err != nil {
			return MasterKey{}, err
		}
		if prompt.Wrong > 0 && text == last {
			break
		}
		k, err := a.tryPassphrase(openers, files, text)
		if !errors.Is(err, ErrWrongPassphrase) {
			return k, err
		}
		last = text
	}
	return MasterKey{}, &OpenerError{strings.Join(prompt.Openers, ", "), ErrWrongPassphrase}
}

// readIdentities reads the identity files of the openers. The result contains nil for each damaged file. If all
// files are damaged, readIdentities returns an error.
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

// readIdentity reads the identity file of an opener and compares its digest with the digest in the header.
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
			err = errors.New("the file contains the identity of another opener")
			fallthrough
		case err != nil:
			failed = &DamagedError{filepath.Join(a.dir, identityFile(o.Recipient)), err}
			continue
		}
		return unwrap(a.envelope, id)
	}
	return MasterKey{}, failed
}
