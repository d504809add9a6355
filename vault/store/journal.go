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
	"aws-vault/vault/printable"
)

// Journals record the progress of key rotations, so that an interrupted rotation can be completed or undone. A
// journal contains both the old and the new key, so an interrupted rotation cannot lose a key. Journals are stored
// in the same keystore as the sessions. aws-vault 7 does not list them.
type Journals struct {
	Ring       KeyRing
	NeedsTouch func(name string) (bool, error) // see the field of the same name in [Keys]
}

// A Rotation is the journal of one key rotation, which replaces a stored access key with a new one.
type Rotation struct {
	Name    string          // the name under which the key is stored
	User    string          // the name of the IAM user who owns the key
	Account string          // the AWS account of the user
	Before  []string        // the IDs of all keys that the user had before the new key was requested
	Old     aws.Credentials // the key to replace
	New     aws.Credentials // the key that AWS created; zero until AWS has created it
	From    time.Time       // the new key was requested between From and Until, by AWS's clock
	Until   time.Time
	KeepOld bool // whether to keep the old key in AWS, deactivated
	Undo    bool // whether the rotation is being undone: the old key is restored, and the new key is deleted
}

// JournalError reports that a journal cannot be read. The error never quotes the journal, which contains secrets.
type JournalError struct {
	Name string // the name under which the key is stored
	Why  string // what was found, and what was expected
}

func (e *JournalError) Error() string {
	return fmt.Sprintf("the rotation journal of key %s is damaged: %s", printable.Quote(e.Name), e.Why)
}

// Find returns the journal of the key stored under this name, and whether there is a journal. It returns a
// [*JournalError] if the journal is damaged, and the keystore's error if the journal cannot be opened.
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

// Interrupted returns the names that have a journal. It lists the keystore once, and does not open the journals.
func (j *Journals) Interrupted(ctx context.Context, names []string) ([]string, error) {
	listed, err := j.Ring.Names(ctx)
	if err != nil {
		return nil, err
	}
	return InterruptedAmong(listed, names), nil
}

// InterruptedAmong returns the names that have a journal. The parameter items contains the names of the private
// items in the keystore. If there are no items, it returns nil at once, because the digests of thousands of names
// take a noticeable time.
func InterruptedAmong(items, names []string) []string {
	if len(items) == 0 {
		return nil
	}
	listed := map[string]bool{}
	for _, item := range items {
		listed[keystore.PrivateName(item)] = true
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !listed[keystore.PrivateName(journalName(name))]
	})
}

// Put stores the journal of a rotation. It replaces an earlier journal of the same key.
func (j *Journals) Put(ctx context.Context, r Rotation) error {
	data, err := encodeRotation(r)
	if err == nil {
		_, err = decodeRotation(r.Name, data) // do not store a journal that could not be read back
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

// Remove deletes the journal of the key stored under this name. It returns nil if there is no journal.
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
	maxListed      = 100 // maximum number of key IDs in a journal; AWS allows two keys per user
)

// journalItem is the JSON form of a journal in the keystore.
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
		return damaged(fmt.Sprintf("%d bytes, expected at most %d", len(data), maxItem))
	case json.Unmarshal(data, &it) != nil: // do not return the decoder's error, which may quote a secret
		return damaged("not valid JSON for a rotation journal")
	case it.Type != journalType:
		return damaged("another type of item, expected a rotation journal")
	case it.Version != journalVersion:
		return damaged(fmt.Sprintf("format version %d, expected version %d", it.Version, journalVersion))
	case it.Name != name:
		return damaged("it was written for another key")
	case it.Old.ID == "" || it.Old.Secret == "" || it.User == "":
		return damaged("the old key or its user is missing")
	case (it.New.ID == "") != (it.New.Secret == ""):
		return damaged("the new key is incomplete")
	case !isTime(it.From) || !isTime(it.Until):
		return damaged("the time when the new key was requested is missing")
	case len(it.Before) > maxListed:
		return damaged(fmt.Sprintf("the journal lists %d keys, expected at most %d", len(it.Before), maxListed))
	}
	return Rotation{
		Name: it.Name, User: it.User, Account: it.Account, Before: slices.Clip(it.Before),
		Old: it.Old.credentials(), New: it.New.credentials(), From: it.From.UTC(), Until: it.Until.UTC(), KeepOld: it.KeepOld, Undo: it.Undo,
	}, nil
}
