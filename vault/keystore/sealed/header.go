package sealed

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"aws-vault/vault/disk"
)

// A Header lists the openers of a store. It contains the store's keys, encrypted for the openers as age files.
type Header struct {
	Format     string   `json:"format"`
	Store      string   `json:"store"`      // the store's permanent ID
	Key        string   `json:"key"`        // the ID of the master key
	Generation int      `json:"generation"` // number of the master key; each replacement adds 1
	Openers    []Opener `json:"openers"`
	Envelope   []byte   `json:"envelope"`        // the master key, encrypted for all openers
	Touch      []byte   `json:"touch,omitempty"` // the touch key, encrypted for the hardware openers

	body, mac []byte // the JSON and its MAC, exactly as in the file
	fromCopy  bool   // whether the header was read from the copy, because the header's own file could not be read
}

const headerFormat = "aws-vault sealed 1"

const (
	maxHeader  = 256 << 10
	maxOpeners = 64
)

// Fingerprint returns a short hash of the store's ID, its master key's ID and its openers' public keys. Users
// compare it to detect a forged store: anyone who knows the public keys can create another store that the same
// openers can open.
func (h *Header) Fingerprint() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s openers\n%s\n%s\n", headerFormat, h.Store, h.Key)
	recipients := make([]string, len(h.Openers))
	for i, o := range h.Openers {
		recipients[i] = o.Recipient
	}
	slices.Sort(recipients)
	for _, r := range recipients {
		fmt.Fprintln(sum, r)
	}
	return groups(hex.EncodeToString(sum.Sum(nil)[:10]))
}

// groups inserts a space after every four digits.
func groups(digits string) string {
	var out []byte
	for i := range len(digits) {
		if i > 0 && i%4 == 0 {
			out = append(out, ' ')
		}
		out = append(out, digits[i])
	}
	return string(out)
}

func (h *Header) clone() Header {
	c := *h
	c.Openers = slices.Clone(h.Openers)
	return c
}

// encode returns the content of the header's file: a line of JSON, a line with the MAC of the JSON, and a line
// with a checksum. The checksum reveals damage before the user is prompted to unlock the store.
func (h *Header) encode(k MasterKey) ([]byte, error) {
	body, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	out := fmt.Appendf(body, "mac %x\n", h.sign(k, body))
	return fmt.Appendf(out, "sum %x\n", sha256.Sum256(out)), nil
}

func (h *Header) sign(k MasterKey, body []byte) []byte {
	m := hmac.New(sha256.New, derive(k, []byte(h.Store), forHeader))
	m.Write(body)
	return m.Sum(nil)
}

const (
	macLine = len("mac ") + 2*sha256.Size + len("\n")
	sumLine = len("sum ") + 2*sha256.Size + len("\n")
)

// parseHeader parses the header's file. Callers must not trust the header until authenticate has succeeded.
func parseHeader(data []byte) (*Header, error) {
	if len(data) < macLine+sumLine {
		return nil, errNotHeader
	}
	rest := data[:len(data)-sumLine]
	if sum := fmt.Sprintf("sum %x\n", sha256.Sum256(rest)); string(data[len(rest):]) != sum {
		return nil, errChecksum
	}
	body := rest[:len(rest)-macLine]
	digits, ok := strings.CutPrefix(string(rest[len(body):]), "mac ")
	mac, err := hex.DecodeString(strings.TrimSuffix(digits, "\n"))
	if !ok || err != nil || string(rest[len(body):]) != fmt.Sprintf("mac %x\n", mac) {
		return nil, errNotHeader
	}
	h := &Header{body: body, mac: mac}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(h) != nil || !bytes.HasSuffix(body, []byte("}\n")) || d.InputOffset() != int64(len(body)-1) {
		return nil, errNotHeader
	}
	return h, h.validate()
}

func isDigits(s string, n int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == n && hex.EncodeToString(b) == s
}

func (h *Header) validate() error {
	switch {
	case h.Format != headerFormat:
		return fmt.Errorf("the format is %.40q, expected %q", h.Format, headerFormat)
	case !isDigits(h.Store, 16) || !isDigits(h.Key, 8) || h.Generation < 1:
		return errNotHeader
	case len(h.Openers) == 0 || len(h.Openers) > maxOpeners:
		return fmt.Errorf("the header has %d openers, expected 1 to %d", len(h.Openers), maxOpeners)
	}
	names, recipients := map[string]bool{}, map[string]bool{}
	for _, o := range h.Openers {
		if err := o.validateName(); err != nil {
			return err
		}
		if names[o.Name] || recipients[o.Recipient] {
			return &OpenerError{o.Name, errors.New("the name or the key occurs twice")}
		}
		names[o.Name], recipients[o.Recipient] = true, true
	}
	return nil
}

// authenticate returns a *DamagedError if the header was not written with the master key k.
func (h *Header) authenticate(dir string, k MasterKey) error {
	switch {
	case k.id(h.Store) != h.Key:
		return &DamagedError{filepath.Join(dir, headerFile), errKeyMismatch}
	case !hmac.Equal(h.mac, h.sign(k, h.body)):
		return &DamagedError{filepath.Join(dir, headerFile), ErrForged}
	}
	return nil
}

// readHeader reads the header of the store in dir. If the header is damaged, it reads the copy, so that a
// single disk error does not make the store unusable.
func readHeader(dir *disk.Folder) (*Header, error) {
	h, err := readHeaderFile(dir, headerFile)
	if err == nil {
		return h, nil
	}
	second, copyErr := readHeaderFile(dir, copyFile)
	if copyErr == nil {
		second.fromCopy = true
		return second, nil
	}
	if errors.Is(err, fs.ErrNotExist) && errors.Is(copyErr, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir.Path(), ErrNoStore)
	}
	return nil, err
}

func readHeaderFile(dir *disk.Folder, name string) (*Header, error) {
	path := dir.File(name)
	data, err := dir.Read(name, maxHeader)
	var large *disk.TooLargeError
	switch {
	case errors.As(err, &large):
		return nil, &DamagedError{path, err}
	case err != nil:
		return nil, err
	}
	h, err := parseHeader(data)
	if err != nil {
		return nil, &DamagedError{path, err}
	}
	return h, nil
}
