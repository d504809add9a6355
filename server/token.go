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

// Tokens are those of the metadata service's version 2. A token says itself when it ends,
// under a key that ends with us, so that none has to be remembered however many are
// asked for.
type Tokens struct {
	key [sha256.Size]byte
	now func() time.Time
}

// NewTokens makes tokens that no other Tokens takes.
func NewTokens(now func() time.Time) *Tokens {
	t := &Tokens{now: now}
	rand.Read(t.key[:]) // never fails
	return t
}

// The headers of the token's PUT, and how long it lasts at most, in seconds.
const (
	tokenHeader    = "X-aws-ec2-metadata-token"
	lifetimeHeader = "X-aws-ec2-metadata-token-ttl-seconds"
	longestToken   = 21600
)

// A token is the second it ends, a random part so that no two are alike, and a code
// over both.
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

// serve answers a PUT for a token. The answer leaves the machine no further than to the
// first router, so that a machine behind this one does not get it.
func (t *Tokens) serve(w http.ResponseWriter, r *http.Request) {
	asked := r.Header[http.CanonicalHeaderKey(lifetimeHeader)]
	if len(asked) != 1 {
		writeText(w, http.StatusBadRequest, "want one header "+lifetimeHeader+"\n")
		return
	}
	seconds, err := strconv.Atoi(asked[0])
	if err != nil || seconds < 1 || seconds > longestToken {
		writeText(w, http.StatusBadRequest, lifetimeHeader+" is "+quoted(asked[0])+", want seconds from 1 to "+strconv.Itoa(longestToken)+"\n")
		return
	}
	if c := peer.FromRequest(r); c != nil {
		if tcp, ok := c.Conn.(*net.TCPConn); ok && setOneHop(tcp) != nil {
			writeText(w, http.StatusInternalServerError, "the answer cannot be kept on this machine\n")
			return
		}
	}
	w.Header().Set(lifetimeHeader, strconv.Itoa(seconds))
	writeText(w, http.StatusOK, t.issue(time.Duration(seconds)*time.Second))
}

// setOneHop has what a connection sends die at the first router.
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
