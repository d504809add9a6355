package rotation

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// A run is one rotation in progress.
type run struct {
	rotation *Rotation
	journal  *journal
	user     *user           // owner of the key
	stored   aws.Credentials // the key that is in the keystore now
}

// begin finds out which user the key belongs to and prepares the IAM client.
func (r *Rotation) begin(ctx context.Context, j *journal) (*run, error) {
	stored, err := r.Vault.Keys.Key(ctx, r.name())
	if err != nil {
		return nil, err
	}
	known, err := r.identify(ctx, stored, j)
	if err != nil {
		return nil, err
	}
	name, _ := known.caller.User()
	if j.open && !journalMatches(j.entry, stored, known.caller) {
		return nil, &KeyReplacedError{Name: r.name(), Key: Mask(j.entry.New.AccessKeyID)}
	}
	keys := awsapi.AccessKeys{Client: r.Vault.Source.AWS, Target: source.Target(r.Plan.Call("iam")), User: name, Creds: known.key}
	if r.usesSession() {
		if keys.Creds, err = r.Vault.Credentials(ctx, r.Plan, r.Options, minSessionValidity); err != nil {
			return nil, err
		}
	}
	return &run{rotation: r, journal: j, stored: stored, user: &user{rotation: r, journal: j, caller: known.caller, keys: keys}}, nil
}

// minSessionValidity is how long a session must still be valid when a rotation begins, so that it lasts until the end.
const minSessionValidity = 10 * time.Minute

// usesSession reports whether the rotation calls IAM with a session that was created with an MFA code. IAM refuses
// sessions without an MFA code. If there is no such session, the rotation calls IAM with the key itself.
func (r *Rotation) usesSession() bool { return len(r.Plan.Steps) > 1 }

// A knownKey is a key that AWS accepts.
type knownKey struct {
	key    aws.Credentials
	caller awsapi.Caller // owner of the key
}

// identify asks AWS which user the stored key belongs to. After an interrupted rotation, AWS may know only one of the
// two keys in the journal. So identify tries the stored key and then both keys in the journal.
func (r *Rotation) identify(ctx context.Context, stored aws.Credentials, j *journal) (known knownKey, err error) {
	for i, key := range []aws.Credentials{stored, j.entry.Old, j.entry.New} {
		if key.AccessKeyID == "" || i > 0 && sameInJournal(key, stored) {
			continue
		}
		var caller awsapi.Caller
		if caller, err = r.Vault.Source.STS(r.Plan.Call("sts")).Caller(ctx, key); err == nil {
			known = knownKey{key, caller}
			break
		}
		if !j.open || !isUnknownKey(err) {
			return knownKey{}, err
		}
	}
	if err != nil {
		return knownKey{}, err
	}
	if _, ok := known.caller.User(); !ok {
		return knownKey{}, &vault.NotUserError{Name: r.name(), Caller: known.caller.ARN}
	}
	return known, nil
}

// journalMatches reports whether the journal belongs to the stored key and its user. It returns false if the user has
// stored another key since the journal was written.
func journalMatches(j store.Rotation, stored aws.Credentials, caller awsapi.Caller) bool {
	user, _ := caller.User()
	known := j.New.AccessKeyID == "" || sameInJournal(stored, j.Old) || sameInJournal(stored, j.New)
	return known && j.User == user && j.Account == caller.Account
}

// sameInJournal reports whether two keys are equal. It ignores their session tokens, which a journal does not store.
func sameInJournal(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey
}
