// Package rotation replaces an access key at AWS and in the keystore. A rotation can be interrupted
// at any point: the next run finishes it or puts the old key back.
package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// A Rotation replaces the stored key at the root of a plan by a new one. It can be killed
// at any instruction: the key that is stored works at each, and the next rotation of the
// same key finishes what this one began, or undoes it.
type Rotation struct {
	*vault.Vault
	Journals *store.Journals
	Locks    *store.Locks
	Plan     plan.Plan // made for plan.Rotate
	Options  plan.Options
	KeepOld  bool                 // leave the old key at AWS, inactive
	Say      func(message string) // how far it has come

	// Spare asks a person whether the key may be deleted that leaves no room for a new one;
	// nil where nobody can be asked.
	Spare func(ctx context.Context, q *QuotaError, spare KeyUse) (bool, error)

	name   string            // that the key is stored under
	stored aws.Credentials   // the key that is
	works  aws.Credentials   // the key that calls, unless a session with an MFA code does
	keys   awsapi.AccessKeys // the user's, called with either
	user   awsapi.Caller
	ahead  time.Duration // AWS's clock minus the computer's, as its last list told
	open   bool          // a journal is there
}

// UnfinishedError is returned for a rotation that stopped on its way. The stored key works.
type UnfinishedError struct {
	Name string // of the key
	Err  error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the rotation of key %q is not finished: %v", e.Name, e.Err)
}

// Unwrap returns what stopped it.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// NoJournalError is returned where there is nothing to resume or to undo.
type NoJournalError struct{ Name string }

func (e *NoJournalError) Error() string {
	return fmt.Sprintf("no rotation of key %q was interrupted", e.Name)
}

// Run rotates the key, after it has finished or undone a rotation that was interrupted; one
// that only had to be finished is rotation enough. Errors are those of the keystore and of
// the calls to AWS, a [*QuotaError], a [*NotUserError], a [*ReplacedError] or a
// [*store.JournalError], within an [*UnfinishedError] if the next run has something to finish.
func (r *Rotation) Run(ctx context.Context) error {
	return r.alone(ctx, func(ctx context.Context, j store.Rotation, found bool) error {
		if found {
			r.say("Finishing a rotation that was interrupted")
			if done, err := r.goOn(ctx, j); err != nil || done {
				return err
			}
		}
		return r.rotate(ctx)
	})
}

// Resume goes on with an interrupted rotation, or returns a [*NoJournalError].
func (r *Rotation) Resume(ctx context.Context) error {
	return r.alone(ctx, func(ctx context.Context, j store.Rotation, found bool) error {
		if !found {
			return &NoJournalError{Name: r.name}
		}
		undone := j.Undo
		done, err := r.goOn(ctx, j)
		if err != nil || done || undone {
			return err
		}
		return r.rotate(ctx)
	})
}

// Undo puts the old key of an interrupted rotation back and deletes the new one. It returns
// a [*NoJournalError] if there is none, and an [*OldKeyGoneError] if it is too late. A
// journal that cannot be read, or is of another key, is forgotten: the stored key works all
// the same.
func (r *Rotation) Undo(ctx context.Context) error {
	err := r.alone(ctx, func(ctx context.Context, j store.Rotation, found bool) error {
		if !found {
			return &NoJournalError{Name: r.name}
		}
		return r.undo(ctx, j)
	})
	var damaged *store.JournalError
	var replaced *ReplacedError
	if errors.As(err, &damaged) || errors.As(err, &replaced) {
		r.say("Forgetting a rotation that nothing can be done about: %v", err)
		return r.close(ctx)
	}
	return err
}

// alone does act under a lock, once it knows who rotates.
func (r *Rotation) alone(ctx context.Context, act func(context.Context, store.Rotation, bool) error) error {
	r.name = r.Plan.Steps[0].Profile
	ctx, lock, err := r.Locks.Alone(ctx, "rotate", "the rotation of key "+r.name)
	if err != nil {
		return err
	}
	defer lock.Close()
	j, found, err := r.begin(ctx)
	if err == nil {
		err = act(ctx, j, found)
	}
	if err != nil && r.open {
		return &UnfinishedError{Name: r.name, Err: err}
	}
	return err
}

// begin finds out whose key it is, and gets what calls IAM.
func (r *Rotation) begin(ctx context.Context) (j store.Rotation, found bool, err error) {
	if r.name == "" {
		r.name = r.Plan.Steps[0].Profile
	}
	if j, found, err = r.Journals.Find(ctx, r.name); err != nil {
		return j, found, err
	}
	r.open = found
	if r.stored, err = r.Keys.Key(ctx, r.name); err != nil {
		return j, found, err
	}
	if err := r.identify(ctx, j, found); err != nil {
		return j, found, err
	}
	if found && !r.isOf(j) {
		return j, found, &ReplacedError{Name: r.name, Key: Mask(j.New.AccessKeyID)}
	}
	r.keys = awsapi.AccessKeys{Client: r.Source.AWS, At: source.Target(r.Plan.Call("iam"))}
	r.keys.User, _ = r.user.User()
	return j, found, r.sign(ctx)
}

// identify asks AWS whose key is stored. Where a rotation was interrupted, either of its
// keys may be the one that AWS knows.
func (r *Rotation) identify(ctx context.Context, j store.Rotation, found bool) (err error) {
	for i, key := range []aws.Credentials{r.stored, j.Old, j.New} {
		if key.AccessKeyID == "" || i > 0 && sameInJournal(key, r.stored) {
			continue
		}
		if r.user, err = r.Source.STS(r.Plan.Call("sts")).Caller(ctx, key); err == nil {
			r.works = key
			break
		}
		if !found || !isUnknownKey(err) {
			return err
		}
	}
	if err != nil {
		return err
	}
	if _, ok := r.user.User(); !ok {
		return &vault.NotUserError{Name: r.name, Caller: r.user.ARN}
	}
	return nil
}

// isOf reports whether a journal is about the stored key, and not about one that was
// replaced by hand since.
func (r *Rotation) isOf(j store.Rotation) bool {
	user, _ := r.user.User()
	known := j.New.AccessKeyID == "" || sameInJournal(r.stored, j.Old) || sameInJournal(r.stored, j.New)
	return known && j.User == user && j.Account == r.user.Account
}

// sign settles what calls IAM: a session with an MFA code where the plan has one, for IAM
// refuses any other session, and else the key itself.
func (r *Rotation) sign(ctx context.Context) (err error) {
	r.keys.Creds = r.works
	if len(r.Plan.Steps) > 1 {
		r.keys.Creds, err = r.Credentials(ctx, r.Plan, r.Options, rotateNeed)
	}
	return err
}

// rotateNeed is how long a session must serve for a whole rotation.
const rotateNeed = 10 * time.Minute

// use makes a key the one that calls from now on. A session that began with another goes
// on to serve, so that one MFA code is enough.
func (r *Rotation) use(key aws.Credentials) {
	r.works = key
	if len(r.Plan.Steps) == 1 {
		r.keys.Creds = key
	}
}

// goOn finishes an interrupted rotation, or what of it can be; done says that a new key is
// in its place.
func (r *Rotation) goOn(ctx context.Context, j store.Rotation) (done bool, err error) {
	switch {
	case j.Undo:
		return false, r.undo(ctx, j)
	case j.New.AccessKeyID != "":
		j.KeepOld = j.KeepOld || r.KeepOld
		return r.complete(ctx, j)
	}
	if err := r.sweep(ctx, j); err != nil {
		return false, err
	}
	return false, r.close(ctx)
}

func (r *Rotation) close(ctx context.Context) error {
	if err := r.Journals.Remove(ctx, r.name); err != nil {
		return err
	}
	r.open = false
	return nil
}

// rotate makes a new key and puts it in the old one's place.
func (r *Rotation) rotate(ctx context.Context) error {
	session := "using master credentials"
	if len(r.Plan.Steps) > 1 {
		session = fmt.Sprintf("using a session from profile '%s'", r.Plan.Profile)
	}
	r.say("Rotating credentials stored for profile '%s' %s (takes 10-20 seconds)", r.name, session)
	listed, err := r.list(ctx)
	if err != nil {
		return err
	}
	if listed, err = r.makeRoom(ctx, listed); err != nil {
		return err
	}
	j := store.Rotation{Name: r.name, User: r.keys.User, Account: r.user.Account, Old: r.stored, KeepOld: r.KeepOld}
	for _, k := range listed {
		j.Before = append(j.Before, k.ID)
	}
	if err := r.create(ctx, &j); err != nil {
		return err
	}
	done, err := r.complete(ctx, j)
	if err == nil && !done {
		err = &NewKeyGoneError{Name: r.name, Key: Mask(j.New.AccessKeyID)}
	}
	return err
}

// list lists the user's keys, and learns AWS's time by the way.
func (r *Rotation) list(ctx context.Context) (keys []awsapi.AccessKey, err error) {
	err = r.settle(ctx, func() (err error) {
		var at time.Time
		keys, at, err = r.keys.List(ctx)
		r.ahead = at.Sub(r.Source.AWS.Clock.Local())
		return err
	})
	return keys, err
}

// now is the time by AWS's clock.
func (r *Rotation) now() time.Time { return r.Source.AWS.Clock.Local().Add(r.ahead) }

// complete puts the new key of the journal in the old one's place. It takes up the work
// wherever it was left. done is false if the new key is gone, and all is as before.
func (r *Rotation) complete(ctx context.Context, j store.Rotation) (done bool, err error) {
	if err := r.prove(ctx, j.New); err != nil {
		if isUnknownKey(err) {
			return r.gone(ctx, j, err)
		}
		return false, err
	}
	if !sameInJournal(r.stored, j.New) {
		if err := r.Keys.PutVerified(ctx, r.name, j.New); err != nil {
			return false, err // before the old key goes
		}
		r.stored = j.New
	}
	r.use(j.New)
	if err := r.retire(ctx, j); err != nil {
		return false, err
	}
	if err := r.forget(ctx); err != nil {
		return false, err
	}
	if err := r.close(ctx); err != nil {
		return false, err
	}
	r.say("Finished rotating access key")
	return true, nil
}

// retire switches the old key off and deletes it, as far as that was not done before.
func (r *Rotation) retire(ctx context.Context, j store.Rotation) error {
	listed, err := r.list(ctx)
	if err != nil {
		return err
	}
	id := j.Old.AccessKeyID
	old, ok := find(listed, id)
	if !ok {
		return nil
	}
	if old.Active {
		if err := r.settle(ctx, func() error { return r.keys.Activate(ctx, id, false) }); err != nil && !isGone(err) {
			return err
		}
		r.say("Deactivated old access key %s", Mask(id))
	}
	if j.KeepOld {
		return nil
	}
	r.say("Deleting old access key %s", Mask(id))
	if err := r.settle(ctx, func() error { return r.keys.Delete(ctx, id) }); err != nil && !isGone(err) {
		return err
	}
	r.say("Deleted old access key %s", Mask(id))
	return nil
}

// forget removes the sessions that began with the key.
func (r *Rotation) forget(ctx context.Context) error {
	n, warnings, err := r.Sessions.Remove(ctx, func(e store.Entry) bool { return e.Root == r.name || e.Profile == r.name })
	for _, w := range warnings {
		r.Warn(w)
	}
	switch {
	case n == 1:
		r.say("Deleted 1 session for %s", r.name)
	case n > 1:
		r.say("Deleted %d sessions for %s", n, r.name)
	}
	return err
}

func (r *Rotation) say(format string, args ...any) { r.Say(fmt.Sprintf(format, args...)) }

// sameInJournal compares what the journal of a rotation holds of a key, which is no session token.
func sameInJournal(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey
}

func find(keys []awsapi.AccessKey, id string) (awsapi.AccessKey, bool) {
	i := slices.IndexFunc(keys, func(k awsapi.AccessKey) bool { return k.ID == id })
	if i < 0 {
		return awsapi.AccessKey{}, false
	}
	return keys[i], true
}

// Mask shows the last four characters of a key's id, and nothing of none.
func Mask(id string) string {
	if id == "" {
		return ""
	}
	return strings.Repeat("*", 16) + id[max(0, len(id)-4):]
}
