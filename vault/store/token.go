package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Token is the result of a sign-in.
type Token struct {
	Kind       string          // the kind of the token, such as "SSO token"
	Label      string          // the token's name in messages to the user
	SignedInAs string          // the subject of the user who signed in, or an ID of the sign-in; may be empty
	Expires    time.Time       // when the token can no longer be used or renewed
	Secret     json.RawMessage // the token itself, a JSON object
}

// Format prints the kind and the label of the token, for all verbs. It never prints the secret.
func (t Token) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "Token(%s %s)", t.Kind, t.Label) }

func (t Token) entry(name string, created time.Time) Entry {
	return Entry{Type: tokenType, Name: name, Profile: t.Label, SignedInAs: t.SignedInAs, Kind: t.Kind, Created: created, Expires: t.Expires}
}

// tokenVersion is the format version of a token item. Items of other versions are treated as damaged.
const tokenVersion = 1

const tokenType = "token"

// tokenItem is the JSON form of a token in the keystore.
type tokenItem struct {
	Version int             `json:"version"`
	Type    string          `json:"type"`
	Name    string          `json:"name"` // the item's own name, to detect items that were swapped
	Kind    string          `json:"kind"`
	Label   string          `json:"label"`
	Who     string          `json:"who,omitempty"`
	Ends    time.Time       `json:"ends"`
	Secret  json.RawMessage `json:"secret"`
}

func encodeToken(name string, t Token) ([]byte, error) {
	return json.Marshal(tokenItem{tokenVersion, tokenType, name, t.Kind, t.Label, t.SignedInAs, t.Expires.UTC(), t.Secret})
}

// decodeToken decodes a token. It returns a [*DamagedError] if data is not a token. The error never quotes data.
func decodeToken(name string, data []byte) (Token, error) {
	var it tokenItem
	damaged := func(why string) (Token, error) { return Token{}, &DamagedError{Name: name, Why: why} }
	switch {
	case len(data) > maxItem:
		return damaged(fmt.Sprintf("%d bytes, expected at most %d", len(data), maxItem))
	case json.Unmarshal(data, &it) != nil:
		return damaged("not valid JSON for a token")
	case it.Type != tokenType:
		return Token{}, &DamagedError{Name: name, Why: "another type of item, expected a token", isOther: it.Type != ""}
	case it.Version != tokenVersion:
		return damaged(fmt.Sprintf("token format version %d, expected version %d", it.Version, tokenVersion))
	case it.Name != name:
		return damaged("the token was stored under another name")
	case len(it.Secret) == 0 || it.Secret[0] != '{':
		return damaged("the token has no content")
	case !isTime(it.Ends):
		return damaged("the token has no valid expiry time")
	}
	return Token{Kind: it.Kind, Label: it.Label, SignedInAs: it.Who, Expires: it.Ends.UTC(), Secret: it.Secret}, nil
}
