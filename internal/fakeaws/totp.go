package fakeaws

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// codeStep is the length of a time step. A virtual MFA device shows a new code in each time step.
const codeStep = 30 * time.Second

// TOTP returns the six-digit code at the time t. The secret is in base32, with or without padding.
// It implements https://www.rfc-editor.org/rfc/rfc6238 with SHA-1 and steps of 30 s, as AWS's virtual devices do.
func TOTP(secret string, t time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.ToUpper(secret), "="))
	if err != nil {
		return "", fmt.Errorf("secret of an MFA device: %w", err)
	}
	return stepCode(key, stepOf(t)), nil
}

func stepOf(t time.Time) int64 { return t.Unix() / int64(codeStep/time.Second) }

func stepCode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}
