package store

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Session contains temporary credentials and the data needed to compute their remaining lifetime. It is the
// result of one step of a plan: see [aws-vault/vault/plan.Plan].
type Session struct {
	Credentials aws.Credentials
	Created     time.Time     // the time of creation, by this computer's clock
	Skew        time.Duration // AWS's clock minus this computer's clock when the session was created
	KeyCheck    string        // [KeyCheck] of the access key that the plan starts with; may be empty
	Profile     string        // the profile whose step created the session
	Kind        string        // the kind of the step that created the session
	Root        string        // the profile of the first step of the plan
}

// Left returns how long the session remains valid. The argument now is the time of this computer's clock. This
// clock may have been wrong when the session was created, and corrected since then. AWS's time is therefore
// either now or now plus the skew. Left uses the later of these two times.
func (s Session) Left(now time.Time) time.Duration {
	return s.Credentials.Expires.Sub(now.Add(max(s.Skew, 0)))
}

// Age returns how long ago the session was created. The argument now is the time of this computer's clock. Like
// Left, it assumes that the clock may have been corrected, and returns the greater of the two possible ages. The
// age is negative if the clock was set back.
func (s Session) Age(now time.Time) time.Duration {
	return now.Add(max(-s.Skew, 0)).Sub(s.Created)
}

// Lifetime returns the time from the creation of the session to its expiry.
func (s Session) Lifetime() time.Duration { return s.Credentials.Expires.Sub(s.Created.Add(s.Skew)) }

// entry returns the index entry of the session.
func (s Session) entry(name string) Entry {
	return Entry{Name: name, Profile: s.Profile, Kind: s.Kind, Root: s.Root, Created: s.Created, Expires: s.Credentials.Expires}
}

// sessionVersion is the format version of a session item. Items of other versions are treated as damaged.
const sessionVersion = 1

const sessionType = "session"

// maxSkew is the largest skew in seconds that fits a [time.Duration].
const maxSkew = math.MaxInt64 / int64(time.Second)

// item is the JSON form of a session in the keystore.
type item struct {
	Version      int       `json:"version"`
	Type         string    `json:"type"`
	Name         string    `json:"name"` // the item's own name, to detect items that were swapped
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

// decodeSession decodes a session. It returns a [*DamagedError] if data is not a session. The error never quotes
// data, which may be a secret.
func decodeSession(name string, data []byte) (Session, error) {
	var it item
	damaged := func(why string) (Session, error) { return Session{}, &DamagedError{Name: name, Why: why} }
	switch {
	case len(data) > maxItem:
		return damaged(fmt.Sprintf("%d bytes, expected at most %d", len(data), maxItem))
	case json.Unmarshal(data, &it) != nil:
		return damaged("not valid JSON for a session")
	case it.Type != sessionType:
		return Session{}, &DamagedError{Name: name, Why: "another type of item, expected a session", isOther: it.Type != ""}
	case it.Version != sessionVersion:
		return damaged(fmt.Sprintf("session format version %d, expected version %d", it.Version, sessionVersion))
	case it.Name != name:
		return damaged("the session was stored under another name")
	case it.AccessKeyID == "" || it.SecretKey == "":
		return damaged("the session has no access key")
	case !isTime(it.Made) || !isTime(it.Expires):
		return damaged("the session has no valid creation or expiry time")
	case it.SkewSeconds > maxSkew || it.SkewSeconds < -maxSkew:
		return damaged(fmt.Sprintf("the clock skew is %d seconds, expected at most %d", it.SkewSeconds, maxSkew))
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

// isTime reports whether t is set and can be encoded as JSON after conversion to UTC.
func isTime(t time.Time) bool {
	year := t.UTC().Year()
	return !t.IsZero() && year > 0 && year < 10000
}
