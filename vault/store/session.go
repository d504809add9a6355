package store

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Session is temporary credentials, with what is needed to tell how long they serve.
type Session struct {
	Credentials aws.Credentials
	Created     time.Time     // by this computer's clock
	Skew        time.Duration // AWS's clock minus this computer's when it was made
	KeyCheck    string        // byName the stored key at the root, where it is known: see [KeyCheck]. Nothing is decided by it, since the name covers the key
	Profile     string        // whose step made it
	Kind        string        // byName that step
	Root        string        // the profile whose key it began from
}

// Left is how long the session serves at now by this computer's clock. A clock that
// was wrong when the session was made may have been set right since, so the later of
// the two times counts.
func (s Session) Left(now time.Time) time.Duration {
	return s.Credentials.Expires.Sub(now.Add(max(s.Skew, 0)))
}

// Age is how old the session is at now by this computer's clock. As with Left, the more
// that it may be counts. It is negative only if the clock was set back since.
func (s Session) Age(now time.Time) time.Duration {
	return now.Add(max(-s.Skew, 0)).Sub(s.Created)
}

// Lifetime is how long the session was good for when it was made.
func (s Session) Lifetime() time.Duration { return s.Credentials.Expires.Sub(s.Created.Add(s.Skew)) }

// entry is what the index is told of the session.
func (s Session) entry(name string) Entry {
	return Entry{Name: name, Profile: s.Profile, Kind: s.Kind, Root: s.Root, Created: s.Created, Expires: s.Credentials.Expires}
}

// sessionVersion is written into each item; another version is another program's.
const sessionVersion = 1

const sessionType = "session"

// maxSkew keeps a skew that an item tells within what a duration can hold.
const maxSkew = math.MaxInt64 / int64(time.Second)

// item is how a session lies in the keystore.
type item struct {
	Version      int       `json:"version"`
	Type         string    `json:"type"`
	Name         string    `json:"name"` // byName the item itself: one put in another's place is seen
	Profile      string    `json:"profile"`
	Kind         string    `json:"kind"`
	Root         string    `json:"root"`
	Made         time.Time `json:"made"`
	Expires      time.Time `json:"expires"`
	SkewSeconds  int64     `json:"skew_seconds,omitempty"`
	KeyCheck     string    `json:"key_check,omitempty"`
	AccessKeyID  string    `json:"access_key_id"`
	SecretKey    string    `json:"secret_access_key"`
	SessionToken string    `json:"session_token"`
	AccountID    string    `json:"account_id,omitempty"`
}

func encodeSession(name string, s Session) ([]byte, error) {
	return json.Marshal(item{
		Version: sessionVersion, Type: sessionType, Name: name, Profile: s.Profile, Kind: s.Kind, Root: s.Root,
		Made: s.Created.UTC(), Expires: s.Credentials.Expires.UTC(), SkewSeconds: int64(s.Skew.Round(time.Second) / time.Second), KeyCheck: s.KeyCheck,
		AccessKeyID: s.Credentials.AccessKeyID, SecretKey: s.Credentials.SecretAccessKey,
		SessionToken: s.Credentials.SessionToken, AccountID: s.Credentials.AccountID,
	})
}

// decodeSession reads what encodeSession wrote, or returns a [*DamagedError], which quotes
// nothing: what lies in a session's place may be any secret.
func decodeSession(name string, data []byte) (Session, error) {
	var it item
	damaged := func(why string) (Session, error) { return Session{}, &DamagedError{Name: name, Why: why} }
	switch {
	case len(data) > maxItem:
		return damaged(fmt.Sprintf("%d bytes, want at most %d", len(data), maxItem))
	case json.Unmarshal(data, &it) != nil:
		return damaged("not the JSON of a session")
	case it.Type != sessionType:
		return Session{}, &DamagedError{Name: name, Why: "of another type, want a session", isOther: it.Type != ""}
	case it.Version != sessionVersion:
		return damaged(fmt.Sprintf("a session of version %d, want version %d", it.Version, sessionVersion))
	case it.Name != name:
		return damaged("a session that was written under another name")
	case it.AccessKeyID == "" || it.SecretKey == "":
		return damaged("a session without a key")
	case !isTime(it.Made) || !isTime(it.Expires):
		return damaged("a session without the times of its making and its end")
	case it.SkewSeconds > maxSkew || it.SkewSeconds < -maxSkew:
		return damaged(fmt.Sprintf("a clock wrong by %d seconds, want at most %d", it.SkewSeconds, maxSkew))
	}
	return Session{
		Credentials: aws.Credentials{
			AccessKeyID: it.AccessKeyID, SecretAccessKey: it.SecretKey, SessionToken: it.SessionToken,
			AccountID: it.AccountID, CanExpire: true, Expires: it.Expires.UTC(), Source: "aws-vault",
		},
		Created: it.Made.UTC(), Skew: time.Duration(it.SkewSeconds) * time.Second, KeyCheck: it.KeyCheck,
		Profile: it.Profile, Kind: it.Kind, Root: it.Root,
	}, nil
}

// isTime reports whether t is a time that was set, and that JSON can hold in UTC.
func isTime(t time.Time) bool {
	year := t.UTC().Year()
	return !t.IsZero() && year > 0 && year < 10000
}
