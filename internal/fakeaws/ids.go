package fakeaws

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// letters are the characters of AWS's ids: the alphabet of base32.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// id creates an id that looks like an id from AWS. It starts with the prefix in the argument kind, such as AKIA, and
// ends with EXAMPLE.
func (a *AWS) id(kind string) string {
	a.idsCreated++
	middle := make([]byte, 9)
	for i, n := len(middle)-1, a.idsCreated; i >= 0; i-- {
		middle[i] = letters[n%len(letters)]
		n /= len(letters)
	}
	return kind + string(middle) + "EXAMPLE"
}

// secret returns the secret of an access key. It has 40 characters and is obviously fake.
func secret(id string) string { return "EXAMPLESECRETKEY/of/" + id }

// token returns a session token. It is about as long as AWS's session tokens.
func token(id string) string {
	text := "EXAMPLETOKEN/of/" + id + "/"
	for i := range 6 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", id, i))
		text += base64.StdEncoding.EncodeToString(sum[:])
	}
	return text
}

// requestID returns the request id of the call with number n. It has the form of a UUID.
func requestID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
