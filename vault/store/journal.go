package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/keystore"
)

// Journals say how far the rotation of a stored key has come, so that one which was
// interrupted can be finished or undone. A journal holds both keys: whichever of them AWS
// takes in the end, it is not lost. So it lies among the items that aws-vault 7 does not see.
type Journals struct {
	Ring       KeyRing
	NeedsTouch func(name string) (bool, error) // as in [Keys]
}

// A Rotation is the replacement of one stored key by another.
type Rotation struct {
	Name    string          // that the key is stored under
	User    string          // whose key it is, by IAM's name
	Account string          // byName that user
	Before  []string        // the ids of all the user's keys, listed before a new one was asked for
	Old     aws.Credentials // the key to be replaced
	New     aws.Credentials // the one that AWS made; zero until it came
	From    time.Time       // by AWS's clock, the time in which a new key was asked for
	Until   time.Time
	KeepOld bool // the old key is to be left, inactive
	Undo    bool // the old key is to be put back, and the new one deleted
}

// JournalError is returned for a journal that cannot be read. It quotes nothing of it.
type JournalError struct {
	Name string // byName the key
	Why  string // what was found, and what was wanted
}

func (e *JournalError) Error() string {
	return fmt.Sprintf("the journal of the rotation of key %q is damaged: %s", e.Name, e.Why)
}

// Find returns the journal of the key that is stored under name, and whether there is one.
// What cannot be read is a [*JournalError] or the keystore's error.
func (j *Journals) Find(ctx context.Context, name string) (Rotation, bool, error) {
	it, err := j.Ring.Item(ctx, journalName(name))
	var garbled *keystore.DamagedError
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return Rotation{}, false, nil
	case errors.As(err, &garbled):
		return Rotation{}, false, &JournalError{Name: name, Why: garbled.Err.Error()}
	case err != nil:
		return Rotation{}, false, err
	}
	r, err := decodeRotation(name, it.Data)
	return r, err == nil, err
}

// Interrupted returns those of the names whose key has a journal. It opens none.
func (j *Journals) Interrupted(ctx context.Context, names []string) ([]string, error) {
	var all []string
	for _, name := range names {
		switch _, err := j.Ring.Stamp(ctx, journalName(name)); {
		case err == nil:
			all = append(all, name)
		case !errors.Is(err, keystore.ErrNotFound):
			return nil, err
		}
	}
	return all, nil
}

// Put writes the journal in place of the one before.
func (j *Journals) Put(ctx context.Context, r Rotation) error {
	data, err := encodeRotation(r)
	if err == nil {
		_, err = decodeRotation(r.Name, data) // what could not be read back is not written
	}
	if err != nil {
		return err
	}
	touch := false
	if j.NeedsTouch != nil {
		if touch, err = j.NeedsTouch(r.Name); err != nil {
			return err
		}
	}
	return j.Ring.Put(ctx, keystore.Item{
		Touch: touch,
		Name:  journalName(r.Name), Label: "aws-vault journal", Description: "aws-vault journal", Data: data, Untrusted: true,
	})
}

// Remove deletes the journal of the key that is stored under name, if there is one.
func (j *Journals) Remove(ctx context.Context, name string) error {
	err := j.Ring.Remove(ctx, journalName(name))
	if errors.Is(err, keystore.ErrNotFound) {
		return nil
	}
	return err
}

func journalName(name string) string { return "rotation of " + name }

const (
	journalVersion = 1
	journalType    = "rotation"
	maxListed      = 100 // AWS allows a user two keys
)

// journalItem is how a journal lies in the keystore.
type journalItem struct {
	Version int        `json:"version"`
	Type    string     `json:"type"`
	Name    string     `json:"name"`
	User    string     `json:"user"`
	Account string     `json:"account,omitempty"`
	Before  []string   `json:"before"`
	Old     journalKey `json:"old"`
	New     journalKey `json:"new,omitzero"`
	From    time.Time  `json:"from"`
	Until   time.Time  `json:"until"`
	KeepOld bool       `json:"keep_old,omitempty"`
	Undo    bool       `json:"undo,omitempty"`
}

type journalKey struct {
	ID     string `json:"access_key_id"`
	Secret string `json:"secret_access_key"`
}

func (k journalKey) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
}

func encodeRotation(r Rotation) ([]byte, error) {
	return json.Marshal(journalItem{
		Version: journalVersion, Type: journalType, Name: r.Name, User: r.User, Account: r.Account, Before: r.Before,
		Old: journalKey{r.Old.AccessKeyID, r.Old.SecretAccessKey}, New: journalKey{r.New.AccessKeyID, r.New.SecretAccessKey},
		From: r.From.UTC(), Until: r.Until.UTC(), KeepOld: r.KeepOld, Undo: r.Undo,
	})
}

func decodeRotation(name string, data []byte) (Rotation, error) {
	var it journalItem
	damaged := func(why string) (Rotation, error) { return Rotation{}, &JournalError{Name: name, Why: why} }
	switch {
	case len(data) > maxItem:
		return damaged(fmt.Sprintf("%d bytes, want at most %d", len(data), maxItem))
	case json.Unmarshal(data, &it) != nil: // the decoder's own error may quote a secret
		return damaged("not the JSON of a journal")
	case it.Type != journalType:
		return damaged("of another type, want a journal")
	case it.Version != journalVersion:
		return damaged(fmt.Sprintf("of version %d, want version %d", it.Version, journalVersion))
	case it.Name != name:
		return damaged("written for another key")
	case it.Old.ID == "" || it.Old.Secret == "" || it.User == "":
		return damaged("without the old key or its user")
	case (it.New.ID == "") != (it.New.Secret == ""):
		return damaged("with half of the new key")
	case !isTime(it.From) || !isTime(it.Until):
		return damaged("without the time in which a new key was asked for")
	case len(it.Before) > maxListed:
		return damaged(fmt.Sprintf("with %d keys listed, want at most %d", len(it.Before), maxListed))
	}
	return Rotation{
		Name: it.Name, User: it.User, Account: it.Account, Before: slices.Clip(it.Before),
		Old: it.Old.credentials(), New: it.New.credentials(), From: it.From.UTC(), Until: it.Until.UTC(), KeepOld: it.KeepOld, Undo: it.Undo,
	}, nil
}
