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

// A run is one rotation under way.
type run struct {
	rotation *Rotation
	journal  *journal
	user     *user           // whose key it is
	stored   aws.Credentials // the key that is stored now
}

// begin finds out whose key it is, and gets what calls IAM.
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

// minSessionValidity is how long a session must serve for a whole rotation.
const minSessionValidity = 10 * time.Minute

// usesSession reports whether a session with an MFA code calls IAM, which refuses any other
// session. Otherwise the key itself does.
func (r *Rotation) usesSession() bool { return len(r.Plan.Steps) > 1 }

// A knownKey is a key that AWS knows.
type knownKey struct {
	key    aws.Credentials
	caller awsapi.Caller // whose it is
}

// identify asks AWS whose key is stored. Where a rotation was interrupted, either of its
// keys may be the one that AWS knows.
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

// journalMatches reports whether a journal is about the stored key, and not about one that was
// replaced by hand since.
func journalMatches(j store.Rotation, stored aws.Credentials, caller awsapi.Caller) bool {
	user, _ := caller.User()
	known := j.New.AccessKeyID == "" || sameInJournal(stored, j.Old) || sameInJournal(stored, j.New)
	return known && j.User == user && j.Account == caller.Account
}

// sameInJournal compares what the journal of a rotation holds of a key, which is no session token.
func sameInJournal(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey
}
