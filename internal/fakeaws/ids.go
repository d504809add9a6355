package fakeaws

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// letters are those that AWS makes its ids of (base32).
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// id makes an id as AWS forms them: four letters for its kind, and here EXAMPLE at its end.
func (a *AWS) id(kind string) string {
	a.made++
	middle := make([]byte, 9)
	for i, n := len(middle)-1, a.made; i >= 0; i-- {
		middle[i] = letters[n%len(letters)]
		n /= len(letters)
	}
	return kind + string(middle) + "EXAMPLE"
}

// secret is a secret key, 40 characters long, that nobody takes for a real one.
func secret(id string) string { return "EXAMPLESECRETKEY/of/" + id }

// token is a session token of about the length that AWS's have.
func token(id string) string {
	text := "EXAMPLETOKEN/of/" + id + "/"
	for i := range 6 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", id, i))
		text += base64.StdEncoding.EncodeToString(sum[:])
	}
	return text
}

// requestID is a request id in the form of a UUID, different for each call.
func requestID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
