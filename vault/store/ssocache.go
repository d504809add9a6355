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

// An SSOCache is the folder in which the AWS CLI and the SDKs keep the tokens of IAM
// Identity Center as plain text.
// https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html
type SSOCache struct {
	Dir     string       // theirs, such as ~/.aws/sso/cache
	Digests *disk.Folder // where it is noted what was written there by us
}

// A CachedToken is what lies in a file of the folder.
type CachedToken struct {
	StartURL    string    `json:"startUrl"`
	Region      string    `json:"region"`
	AccessToken string    `json:"accessToken"`
	ExpiresAt   time.Time `json:"expiresAt"`

	// What only the program that signed in writes.
	ClientID              string    `json:"clientId,omitempty"`
	ClientSecret          string    `json:"clientSecret,omitempty"`
	RegistrationExpiresAt time.Time `json:"registrationExpiresAt,omitzero"`
	RefreshToken          string    `json:"refreshToken,omitempty"`
}

// ErrNotOurToken is returned where another program's token stands in the place.
var ErrNotOurToken = errors.New("the AWS CLI keeps a token of its own there")

// file is where the token of a session lies, or, where it has no name, of a start URL.
func (c *SSOCache) file(session string) string {
	sum := sha1.Sum([]byte(session))
	return hex.EncodeToString(sum[:]) + ".json"
}

// Path is where the token of a session, or of a start URL, lies.
func (c *SSOCache) Path(session string) string { return filepath.Join(c.Dir, c.file(session)) }

// Token returns what lies there. What cannot be read is as good as none.
func (c *SSOCache) Token(session string) (CachedToken, bool) {
	raw, err := disk.ReadBounded(c.Path(session), maxItem)
	return decodeCachedToken(raw), err == nil
}

// decodeCachedToken takes what it can: the file is another program's.
func decodeCachedToken(raw []byte) CachedToken {
	var t CachedToken
	if json.Unmarshal(raw, &t) != nil {
		return CachedToken{}
	}
	return t
}

// Share writes a token for other programs: without what could renew it, readable by this
// user alone. It returns [ErrNotOurToken] rather than replace one that is still of use to
// the program that wrote it.
func (c *SSOCache) Share(session string, t CachedToken, now time.Time) error {
	t = CachedToken{StartURL: t.StartURL, Region: t.Region, AccessToken: t.AccessToken, ExpiresAt: t.ExpiresAt.UTC().Truncate(time.Second)}
	if there, ok := c.Token(session); ok && !c.isOurs(session) && (there.RefreshToken != "" || there.ExpiresAt.After(now)) {
		return ErrNotOurToken
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	theirs := disk.NewFolder(c.Dir)
	if err := theirs.Make(); err != nil {
		return err
	}
	// Noted first: a file that is ours without a note would never be removed.
	sum := sha256.Sum256(raw)
	if err := c.Digests.Write(c.file(session), sum[:]); err != nil {
		return err
	}
	return theirs.Write(c.file(session), raw)
}

// isOurs reports whether what lies there is what we wrote.
func (c *SSOCache) isOurs(session string) bool { return c.isOurFile(c.file(session)) }

func (c *SSOCache) isOurFile(file string) bool {
	noted, err := c.Digests.Read(file, sha256.Size)
	if err != nil {
		return false
	}
	raw, err := disk.ReadBounded(filepath.Join(c.Dir, file), maxItem)
	sum := sha256.Sum256(raw)
	return err == nil && subtle.ConstantTimeCompare(noted, sum[:]) == 1
}

// Remove removes the token of a session, if it is one that we wrote.
func (c *SSOCache) Remove(session string) error { return c.remove(c.file(session)) }

// RemoveAll removes every token that we wrote.
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
		folders = []*disk.Folder{disk.NewFolder(c.Dir), c.Digests} // the note goes last
	}
	for _, f := range folders {
		if err := f.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
