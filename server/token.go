package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net"
	"net/http"
	"strconv"
	"time"

	"aws-vault/vault/peer"
)

// Tokens creates and checks the tokens for version 2 of the metadata service. Each token contains its expiry time
// and a code that is computed with a key of this process. So tokens need not be stored, however many are
// requested.
type Tokens struct {
	key [sha256.Size]byte
	now func() time.Time
}

// NewTokens returns Tokens with a new random key.
func NewTokens(now func() time.Time) *Tokens {
	t := &Tokens{now: now}
	rand.Read(t.key[:]) // rand.Read never fails
	return t
}

// Requests for metadata contain a token in the header tokenHeader. The PUT request for a token contains the requested
// lifetime in the header lifetimeHeader. longestToken is the maximum lifetime of a token in seconds.
const (
	tokenHeader    = "X-aws-ec2-metadata-token"
	lifetimeHeader = "X-aws-ec2-metadata-token-ttl-seconds"
	longestToken   = 21600
)

// A token has three parts: its expiry time in Unix seconds, random bytes that make the token unique, and a message
// authentication code.
const (
	endSize    = 8
	randomSize = 16
	tokenSize  = endSize + randomSize + sha256.Size
)

func (t *Tokens) issue(d time.Duration) string {
	token := make([]byte, endSize+randomSize, tokenSize)
	binary.BigEndian.PutUint64(token, uint64(t.now().Add(d).Unix()))
	rand.Read(token[endSize:])
	return base64.RawURLEncoding.EncodeToString(append(token, t.code(token)...))
}

func (t *Tokens) valid(text string) bool {
	token, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(token) != tokenSize || base64.RawURLEncoding.EncodedLen(tokenSize) != len(text) {
		return false
	}
	signed, code := token[:endSize+randomSize], token[endSize+randomSize:]
	return hmac.Equal(code, t.code(signed)) && t.now().Unix() < int64(binary.BigEndian.Uint64(signed))
}

func (t *Tokens) code(signed []byte) []byte {
	m := hmac.New(sha256.New, t.key[:])
	m.Write(signed)
	return m.Sum(nil)
}

// serve responds to a PUT request for a token. The packets of the response have a hop limit of 1, so that they do
// not reach other machines.
func (t *Tokens) serve(w http.ResponseWriter, r *http.Request) {
	lifetimes := r.Header[http.CanonicalHeaderKey(lifetimeHeader)]
	if len(lifetimes) != 1 {
		writeText(w, http.StatusBadRequest, "expected one header "+lifetimeHeader+"\n")
		return
	}
	seconds, err := strconv.Atoi(lifetimes[0])
	if err != nil || seconds < 1 || seconds > longestToken {
		writeText(w, http.StatusBadRequest, lifetimeHeader+" is "+quoted(lifetimes[0])+", expected a number of seconds from 1 to "+strconv.Itoa(longestToken)+"\n")
		return
	}
	if c := peer.FromRequest(r); c != nil {
		if tcp, ok := c.Conn.(*net.TCPConn); ok && setOneHop(tcp) != nil {
			writeText(w, http.StatusInternalServerError, "the hop limit of the response cannot be set\n")
			return
		}
	}
	w.Header().Set(lifetimeHeader, strconv.Itoa(seconds))
	writeText(w, http.StatusOK, t.issue(time.Duration(seconds)*time.Second))
}

// setOneHop sets the hop limit of all packets that are sent on the connection to 1.
func setOneHop(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) { err = setHops(fd, 1) }); e != nil {
		return e
	}
	return err
}
