package keys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/vault/ascii"
	"aws-vault/vault/rotation"
	"aws-vault/vault/store"
)

// lockKeys acquires the lock that a process holds while it changes stored keys. A rotation holds this lock too. The
// parameter what describes the change. A process that stores keys acquires the lock before it unlocks the keystore:
// otherwise, aws-vault rekey could change the passphrase in the meantime, and the key would be stored under the old
// passphrase.
func lockKeys(ctx context.Context, s *app.Session, what string) (context.Context, *store.Lock, error) {
	return s.Locks.Named(ctx, rotation.LockName, what)
}

// keyFromEnvironment returns the access key in the environment. It removes blanks around the values: in cmd.exe, "set
// NAME=value & next" sets a value that ends in a blank.
func keyFromEnvironment(a *app.App) (aws.Credentials, error) {
	var key aws.Credentials
	for _, v := range []struct {
		name string
		into *string
	}{{"AWS_ACCESS_KEY_ID", &key.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", &key.SecretAccessKey}} {
		text, _ := a.Env.Getenv(v.name)
		if *v.into = strings.TrimSpace(text); *v.into == "" {
			return aws.Credentials{}, fmt.Errorf("%s is not set; --env needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", v.name)
		}
	}
	if token, _ := a.Env.Getenv("AWS_SESSION_TOKEN"); token != "" {
		return aws.Credentials{}, errors.New("AWS_SESSION_TOKEN is set, so the environment contains temporary credentials, expected a long-lived access key")
	}
	return key, nil
}

// maxKey limits the input read from stdin, in bytes.
const maxKey = 64 << 10

// readKey reads an access key: its ID and its secret on two lines, or the JSON that IAM's CreateAccessKey returns.
func readKey(r io.Reader) (aws.Credentials, error) {
	text, err := app.ReadText(r, maxKey)
	if err != nil {
		return aws.Credentials{}, err
	}
	if bytes.HasPrefix(text, []byte("{")) {
		var answer struct {
			AccessKey struct {
				AccessKeyID     string `json:"AccessKeyId"`
				SecretAccessKey string
			}
		}
		if json.Unmarshal(text, &answer) != nil || answer.AccessKey.AccessKeyID == "" {
			return aws.Credentials{}, errors.New("stdin is JSON without AccessKey.AccessKeyId, expected the output of aws iam create-access-key")
		}
		return aws.Credentials{AccessKeyID: answer.AccessKey.AccessKeyID, SecretAccessKey: answer.AccessKey.SecretAccessKey}, nil
	}
	lines := strings.Fields(string(text))
	if len(lines) != 2 {
		return aws.Credentials{}, fmt.Errorf("stdin has %d words, expected two lines: the access key ID and the secret access key", len(lines))
	}
	return aws.Credentials{AccessKeyID: lines[0], SecretAccessKey: lines[1]}, nil
}

// A keyError reports why a text is not a valid access key. The error never contains the text.
type keyError struct{ what, found, want string }

func (e *keyError) Error() string {
	return fmt.Sprintf("the %s %s, expected %s", e.what, e.found, e.want)
}

// checkKey returns a [*keyError] if AWS cannot have issued the key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
func checkKey(c aws.Credentials) error {
	if err := checkKeyID(c.AccessKeyID); err != nil {
		return err
	}
	const least, most = 16, 256
	n := len(c.SecretAccessKey)
	printable := strings.IndexFunc(c.SecretAccessKey, func(r rune) bool { return !ascii.IsGraphic(r) }) < 0
	if n < least || n > most || !printable {
		return &keyError{"secret access key", fmt.Sprintf("has %d characters or contains an invalid character", n), "the 40 characters that AWS shows once"}
	}
	if c.SecretAccessKey == c.AccessKeyID {
		return &keyError{"secret access key", "is the same as the access key ID", "the 40 characters that AWS shows once"}
	}
	return nil
}

func checkKeyID(id string) error {
	const want = "16 to 128 letters and digits, such as AKIAIOSFODNN7EXAMPLE"
	alphanumeric := strings.IndexFunc(id, func(r rune) bool {
		return !ascii.IsAlphanumeric(r) && r != '_'
	}) < 0
	switch {
	case len(id) < 16 || len(id) > 128 || !alphanumeric:
		return &keyError{"access key ID", fmt.Sprintf("has %d characters or contains an invalid character", len(id)), want}
	case strings.HasPrefix(id, "ASIA"):
		return &keyError{"access key ID", "is that of a temporary key (ASIA…)", "that of a long-lived key (AKIA…)"}
	}
	return nil
}
