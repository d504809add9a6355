package oath

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultPeriod is how long a code of an account is valid, unless the account's name specifies another period.
const DefaultPeriod = 30 * time.Second

// An Account describes an account on a key. Reading the description does not require a touch.
type Account struct {
	Name   string // the name as it is displayed: ISSUER:NAME, or NAME
	Period time.Duration
	Timed  bool // true for TOTP, which uses the time; false for HOTP, which uses a counter

	id string // the name on the key; if the period is not the default, it starts with the period and a slash
}

// account returns the Account that belongs to a name on the key.
// https://developers.yubico.com/OATH/YKOATH_Protocol.html
func account(id string, timed bool) Account {
	a := Account{Name: id, Period: DefaultPeriod, Timed: timed, id: id}
	if before, name, ok := strings.Cut(id, "/"); ok {
		if n, err := strconv.Atoi(before); err == nil && n > 0 && n < 1000 && before[0] != '+' {
			a.Name, a.Period = name, time.Duration(n)*time.Second
		}
	}
	return a
}

// One byte describes an account: its upper four bits are the type, its lower four bits are the hash algorithm.
const (
	kindMask = 0xf0
	kindTOTP = 0x20
	hashSHA1 = 0x01
)

// Accounts lists the accounts on the key, in the order in which the key lists them.
func (k *Key) Accounts() ([]Account, error) {
	const command = "LIST"
	answer, err := k.do(command, insList, 0, 0, nil)
	if err != nil {
		return nil, err
	}
	fields, complete := parse(answer)
	var all []Account
	for _, f := range fields {
		if f.tag != tagListed || len(f.value) < 2 {
			return nil, &AnswerError{command}
		}
		all = append(all, account(string(f.value[1:]), f.value[0]&kindMask == kindTOTP))
	}
	if !complete {
		return nil, &AnswerError{command}
	}
	return all, nil
}

// TouchRequired returns the names of the accounts whose codes require a touch.
func (k *Key) TouchRequired() (map[string]bool, error) {
	const command = "CALCULATE ALL"
	answer, err := k.do(command, insCodes, 0, truncated, join(field{tagChallenge, make([]byte, 8)}))
	if err != nil {
		return nil, err
	}
	fields, complete := parse(answer)
	if !complete || len(fields)%2 != 0 {
		return nil, &AnswerError{command}
	}
	touched := map[string]bool{}
	for i := 0; i < len(fields); i += 2 {
		if fields[i].tag != tagName {
			return nil, &AnswerError{command}
		}
		if fields[i+1].tag == tagTouch {
			touched[account(string(fields[i].value), true).Name] = true
		}
	}
	return touched, nil
}

// Code returns the code of an account at the given time. If the account requires a touch, Code waits for the
// touch, and fails with [ErrTouch] if the key is not touched in time.
func (k *Key) Code(a Account, at time.Time) (string, error) {
	const command = "CALCULATE"
	step := uint64(at.Unix()) / uint64(a.Period/time.Second)
	answer, err := k.do(command, insCode, 0, truncated,
		join(field{tagName, []byte(a.id)}, field{tagChallenge, binary.BigEndian.AppendUint64(nil, step)}))
	if err != nil {
		return "", err
	}
	fields, complete := parse(answer)
	if !complete || len(fields) != 1 || fields[0].tag != tagCode || len(fields[0].value) != 5 {
		return "", &AnswerError{command}
	}
	digits, number := int(fields[0].value[0]), binary.BigEndian.Uint32(fields[0].value[1:])&0x7fffffff
	modulus := map[int]uint32{6: 1e6, 7: 1e7, 8: 1e8}[digits]
	if modulus == 0 {
		return "", &AnswerError{command}
	}
	return fmt.Sprintf("%0*d", digits, number%modulus), nil
}

// maxName is the maximum length of an account's name, in bytes.
const maxName = 64

// NameError is returned for an account name that a key does not accept.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("the TOTP account name %.80q is %d bytes long, expected 1 to %d", e.Name, len(e.Name), maxName)
}

// CheckName returns a [*NameError] if a key does not accept the account name.
func CheckName(name string) error {
	if len(name) == 0 || len(name) > maxName {
		return &NameError{name}
	}
	return nil
}

// Put stores a TOTP account with six digits and SHA-1, the settings of AWS's virtual MFA devices. It overwrites an
// account of the same name without warning. If touch is true, the key must be touched for each code.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
func (k *Key) Put(name string, secret []byte, touch bool) error {
	if err := CheckName(name); err != nil {
		return err
	}
	const digits, needsTouch, minSize, maxSize = 6, 0x02, 14, 64
	if len(secret) > maxSize { // HMAC would replace a longer secret with its hash; we do not implement this
		return errors.New("the secret is longer than 64 bytes")
	}
	padded := append(make([]byte, 0, maxSize), secret...)
	for len(padded) < minSize {
		padded = append(padded, 0) // HMAC pads its key with zeros too, so padding does not change the codes
	}
	data := join(field{tagName, []byte(name)}, field{tagKey, append([]byte{kindTOTP | hashSHA1, digits}, padded...)})
	if touch {
		data = append(data, tagProperty, needsTouch) // the property field is the only field without a length
	}
	_, err := k.do("PUT", insPut, 0, 0, data)
	clear(padded)
	return err
}

// Delete removes an account, or fails with [ErrNoAccount].
func (k *Key) Delete(a Account) error {
	_, err := k.do("DELETE", insDelete, 0, 0, join(field{tagName, []byte(a.id)}))
	return err
}

// ErrSecret is returned for text that is not a valid TOTP secret.
var ErrSecret = errors.New("the text is not a TOTP secret, expected base32 (letters and the digits 2 to 7)")

// Secret decodes a TOTP secret in the form in which AWS shows it: base32, with or without spaces and
// padding. It fails with [ErrSecret], whose message does not contain the secret.
func Secret(text string) ([]byte, error) {
	text = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "", "\r", "", "\n", "").Replace(text))
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(secret) < 10 || len(secret) > 64 {
		return nil, ErrSecret
	}
	return secret, nil
}
