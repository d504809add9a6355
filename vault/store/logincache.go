package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"aws-vault/vault/disk"
)

// A LoginCache is the folder in which the AWS CLI keeps what aws login gave, as plain text.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
type LoginCache struct{ Dir string }

// CachedLogin is what lies in a file of the folder.
type CachedLogin struct {
	AccessToken struct {
		AccessKeyID     string    `json:"accessKeyId"`
		SecretAccessKey string    `json:"secretAccessKey"`
		SessionToken    string    `json:"sessionToken"`
		AccountID       string    `json:"accountId"`
		ExpiresAt       time.Time `json:"expiresAt"`
	} `json:"accessToken"`
	SignInRegion string `json:"signInRegion"` // where it began; empty where it was not written down
	ClientID     string `json:"clientId"`
	RefreshToken string `json:"refreshToken"`
	ProofKey     string `json:"dpopKey"` // SEC 1, in PEM
}

// Path is where the sign-in of an identity lies.
func (c *LoginCache) Path(session string) string {
	return filepath.Join(c.Dir, c.file(session))
}

func (c *LoginCache) file(session string) string {
	sum := sha256.Sum256([]byte(session))
	return hex.EncodeToString(sum[:]) + ".json"
}

// Login returns what lies there. What cannot be read is as good as none.
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

// Remove removes what lies there, once it is kept elsewhere.
func (c *LoginCache) Remove(session string) error {
	if err := disk.NewFolder(c.Dir).Remove(c.file(session)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
