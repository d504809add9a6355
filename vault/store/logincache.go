package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"aws-vault/vault/disk"
)

// A LoginCache is the folder where the AWS CLI stores the sign-ins of the command aws login in plain text.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
type LoginCache struct{ Dir string }

// CachedLogin is the content of one file in the folder of a LoginCache.
type CachedLogin struct {
	AccessToken struct {
		AccessKeyID     string     `json:"accessKeyId"`
		SecretAccessKey string     `json:"secretAccessKey"`
		SessionToken    string     `json:"sessionToken"`
		AccountID       string     `json:"accountId"`
		ExpiresAt       cachedTime `json:"expiresAt"`
	} `json:"accessToken"`
	SignInRegion string `json:"signInRegion"` // the region where the sign-in started; may be empty
	ClientID     string `json:"clientId"`
	RefreshToken string `json:"refreshToken"`
	ProofKey     string `json:"dpopKey"` // private key, SEC 1 in PEM
}

// Path returns the path of the file that contains the sign-in for a login session.
func (c *LoginCache) Path(session string) string {
	return filepath.Join(c.Dir, c.file(session))
}

func (c *LoginCache) file(session string) string {
	sum := sha256.Sum256([]byte(session))
	return hex.EncodeToString(sum[:]) + ".json"
}

// Login returns the sign-in for a login session, and whether the file could be read.
func (c *LoginCache) Login(session string) (CachedLogin, bool) {
	raw, err := disk.ReadBounded(c.Path(session), maxItem)
	if err != nil {
		return CachedLogin{}, false
	}
	return decodeLogin(raw)
}

func decodeLogin(raw []byte) (CachedLogin, bool) {
	var l CachedLogin
	if json.Unmarshal(raw, &l) != nil {
		return CachedLogin{}, false
	}
	return l, true
}

// Remove deletes the file that contains the sign-in for a login session. It returns nil if there is no file.
func (c *LoginCache) Remove(session string) error {
	if err := disk.NewFolder(c.Dir).Remove(c.file(session)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
