package store

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"aws-vault/vault/disk"
)

// An SSOCache is the folder where the AWS CLI and the SDKs store Identity Center tokens in plain text.
// https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html
type SSOCache struct {
	Dir     string       // the folder, such as ~/.aws/sso/cache
	Digests *disk.Folder // digests of the files that this program wrote to Dir
}

// A CachedToken is the content of one file in the folder of an SSOCache.
type CachedToken struct {
	StartURL    string    `json:"startUrl"`
	Region      string    `json:"region"`
	AccessToken string    `json:"accessToken"`
	ExpiresAt   time.Time `json:"expiresAt"`

	// This program never writes the following fields. Other programs write them when the user signs in.
	ClientID              string    `json:"clientId,omitempty"`
	ClientSecret          string    `json:"clientSecret,omitempty"`
	RegistrationExpiresAt time.Time `json:"registrationExpiresAt,omitzero"`
	RefreshToken          string    `json:"refreshToken,omitempty"`
}

// ErrNotOurToken reports that the file contains a valid token of another program.
var ErrNotOurToken = errors.New("the file already holds a valid token of another program, such as the AWS CLI")

// file returns the file name for the token of an sso-session. The argument session is the name of the sso-session,
// or the start URL if the sign-in has no name.
func (c *SSOCache) file(session string) string {
	sum := sha1.Sum([]byte(session))
	return hex.EncodeToString(sum[:]) + ".json"
}

// Path returns the path of the file that contains the token of an sso-session or start URL.
func (c *SSOCache) Path(session string) string { return filepath.Join(c.Dir, c.file(session)) }

// Token returns the token of an sso-session, and whether the file could be read.
func (c *SSOCache) Token(session string) (CachedToken, bool) {
	raw, err := disk.ReadBounded(c.Path(session), maxItem)
	return decodeCachedToken(raw), err == nil
}

// decodeCachedToken decodes the content of a file, which another program may have written. Fields that cannot be
// decoded are empty. If the content is not JSON, all fields are empty.
func decodeCachedToken(raw []byte) CachedToken {
	var t struct {
		CachedToken
		Expires      cachedTime `json:"expiresAt"`
		Registration cachedTime `json:"registrationExpiresAt"`
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok {
			return CachedToken{}
		}
	}
	t.ExpiresAt, t.RegistrationExpiresAt = t.Expires.Time, t.Registration.Time
	return t.CachedToken
}

// A cachedTime is a time in a file of the AWS CLI. It is zero if the time cannot be decoded.
type cachedTime struct{ time.Time }

// UnmarshalJSON decodes the time, in one of the formats of the AWS CLI's versions. It never fails.
func (t *cachedTime) UnmarshalJSON(raw []byte) error {
	t.Time = time.Time{}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	for _, format := range []string{time.RFC3339, "2006-01-02T15:04:05UTC"} {
		if parsed, err := time.Parse(format, text); err == nil {
			t.Time = parsed
		}
	}
	return nil
}

// Share writes a token to a file for other programs. Only this user can read the file. Share leaves out the
// refresh token and the client secret. It returns [ErrNotOurToken] if the file contains another program's token
// that may still be usable.
func (c *SSOCache) Share(session string, t CachedToken, now time.Time) error {
	t = CachedToken{StartURL: t.StartURL, Region: t.Region, AccessToken: t.AccessToken, ExpiresAt: t.ExpiresAt.UTC().Truncate(time.Second)}
	current, err := disk.ReadBounded(c.Path(session), maxItem)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !c.isOurs(session) && decodeCachedToken(current).mayBeUsable(now):
		return ErrNotOurToken
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	dir := disk.NewFolder(c.Dir)
	if err := dir.Make(); err != nil {
		return err
	}
	// Write the digest before the token. A token without a digest would never be removed.
	sum := sha256.Sum256(raw)
	if err := c.Digests.Write(c.file(session), sum[:]); err != nil {
		return err
	}
	return dir.Write(c.file(session), raw)
}

// mayBeUsable reports whether a program could use the token or renew it. A token whose expiry is unknown may be usable.
func (t CachedToken) mayBeUsable(now time.Time) bool {
	return t.RefreshToken != "" || t.AccessToken != "" && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(now))
}

// isOurs reports whether this program wrote the current content of the file for this sso-session.
func (c *SSOCache) isOurs(session string) bool { return c.isOurFile(c.file(session)) }

func (c *SSOCache) isOurFile(file string) bool {
	digest, err := c.Digests.Read(file, sha256.Size)
	if err != nil {
		return false
	}
	raw, err := disk.ReadBounded(filepath.Join(c.Dir, file), maxItem)
	sum := sha256.Sum256(raw)
	return err == nil && subtle.ConstantTimeCompare(digest, sum[:]) == 1
}

// Remove deletes the token of an sso-session if this program wrote it.
func (c *SSOCache) Remove(session string) error { return c.remove(c.file(session)) }

// RemoveAll deletes all tokens that this program wrote.
func (c *SSOCache) RemoveAll() error {
	entries, err := c.Digests.Entries()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var all []error
	for _, e := range entries {
		all = append(all, c.remove(e.Name()))
	}
	return errors.Join(all...)
}

func (c *SSOCache) remove(file string) error {
	folders := []*disk.Folder{c.Digests}
	if c.isOurFile(file) {
		folders = []*disk.Folder{disk.NewFolder(c.Dir), c.Digests} // remove the token first and its digest last
	}
	for _, f := range folders {
		if err := f.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
