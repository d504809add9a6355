package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Token is what a sign-in gave, in the form of whoever asked for it.
type Token struct {
	Kind       string          // what it is, such as "SSO token"
	Label      string          // what its user knows it by
	SignedInAs string          // has signed in, where that is to be known without opening it; may be empty
	Expires    time.Time       // when it is of no more use to anybody
	Secret     json.RawMessage // an object of JSON
}

// Format prints what kind of token it is, and nothing that is secret.
func (t Token) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "Token(%s %s)", t.Kind, t.Label) }

func (t Token) entry(name string, made time.Time) Entry {
	return Entry{Type: tokenType, Name: name, Profile: t.Label, SignedInAs: t.SignedInAs, Kind: t.Kind, Created: made, Expires: t.Expires}
}

// tokenVersion is written into each item; another version is another program's.
const tokenVersion = 1

const tokenType = "token"

// tokenItem is how a token lies in the keystore.
type tokenItem struct {
	Version int             `json:"version"`
	Type    string          `json:"type"`
	Name    string          `json:"name"` // byName the item itself: one put in another's place is seen
	Kind    string          `json:"kind"`
	Label   string          `json:"label"`
	Who     string          `json:"who,omitempty"`
	Ends    time.Time       `json:"ends"`
	Secret  json.RawMessage `json:"secret"`
}

func encodeToken(name string, t Token) ([]byte, error) {
	return json.Marshal(tokenItem{tokenVersion, tokenType, name, t.Kind, t.Label, t.SignedInAs, t.Expires.UTC(), t.Secret})
}

// decodeToken reads what encodeToken wrote, or returns a [*DamagedError], which quotes
// nothing.
func decodeToken(name string, data []byte) (Token, error) {
	var it tokenItem
	damaged := func(why string) (Token, error) { return Token{}, &DamagedError{Name: name, Why: why} }
	switch {
	case len(data) > maxItem:
		return damaged(fmt.Sprintf("%d bytes, want at most %d", len(data), maxItem))
	case json.Unmarshal(data, &it) != nil:
		return damaged("not the JSON of a token")
	case it.Type != tokenType:
		return Token{}, &DamagedError{Name: name, Why: "of another type, want a token", isOther: it.Type != ""}
	case it.Version != tokenVersion:
		return damaged(fmt.Sprintf("a token of version %d, want version %d", it.Version, tokenVersion))
	case it.Name != name:
		return damaged("a token that was written under another name")
	case len(it.Secret) == 0 || it.Secret[0] != '{':
		return damaged("a token that holds nothing")
	case !isTime(it.Ends):
		return damaged("a token without the time of its end")
	}
	return Token{Kind: it.Kind, Label: it.Label, SignedInAs: it.Who, Expires: it.Ends.UTC(), Secret: it.Secret}, nil
}
