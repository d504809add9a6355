package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

// A Spec holds the parameters of one kind of step. It holds no secrets, so it can be printed.
type Spec interface {
	Args() []Arg     // the parameters, in the order in which Explain prints them
	encode(*encoder) // writes every value that the credentials depend on
}

// An Arg is one line in the explanation of a step.
type Arg struct{ Name, Value string }

// A Digest is the cache key of a session: 32 hexadecimal digits. Every keystore accepts a digest as
// the name of an item.
type Digest string

// Digest returns the cache key of the session that the i-th step creates. The key is a hash of that
// step and of all steps before it, so it changes when a setting, an access key or a policy changes
// anywhere in the chain.
//
// The hash does not include reasons, profile names or the way in which an MFA code is read. Profiles
// with the same settings therefore share a session. There is one exception: a program that a profile
// runs can see the profile's name, so the hash of a step with such a program includes the name.
//
// Call Digest only if [Plan.DigestKnown] is true for that step.
func (p Plan) Digest(i int) Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault session 1")
	for j, s := range p.Steps[:i+1] {
		s.encode(&e)
		if j < i {
			e.option("gave", s.CallerFingerprint)
		}
	}
	return e.digest()
}

// ForDuration returns the cache key of a user's session that was requested with this exact
// duration. That session is cached separately from the session with the cache key d.
func (d Digest) ForDuration(duration time.Duration) Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault session of a duration 1")
	e.text(string(d))
	e.number(int64(duration))
	return e.digest()
}

// encode writes all values that the step's session depends on. Sessions of coding agents are kept
// separate from those of users, even if both have the same policy. For a session token, the region
// and the duration are not included: the token works in every region of its partition, and a cached
// token also serves requests for a shorter time.
func (s Step) encode(e *encoder) {
	if s.Agent != "" { // this text is not a Kind, so an agent's digest never equals a user's digest
		e.text("for a coding agent")
		e.text(s.Agent)
	}
	e.text(string(s.Kind))
	e.text(s.MFA.Serial)
	if s.Kind == KindSessionToken {
		e.text(partition.Of(s.Region))
	} else {
		e.text(s.Region)
		e.number(int64(s.Duration))
	}
	s.Endpoint.encode(e)
	e.text(s.Policy.Inline)
	e.set(s.Policy.ARNs)
	s.Spec.encode(e)
	// The root certificates decide which server is trusted as AWS. The digest includes the path of the
	// file, but not its content. The content of the system's own root certificates is not included either.
	e.option("ca_bundle", s.Endpoint.CABundle)
	if s.runsProgram() {
		e.option("a program of profile", s.Profile)
	}
	if s.Touch {
		e.text("touch")
	}
}

// An encoder hashes a sequence of values. It writes the length of each text before the text, so
// different sequences never hash the same bytes.
type encoder struct{ hash hash.Hash }

func (e *encoder) number(n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	e.hash.Write(b[:])
}

func (e *encoder) text(s string) {
	e.number(int64(len(s)))
	e.hash.Write([]byte(s))
}

// option writes a name and a text. If the text is empty, option writes nothing. A new option therefore does not
// change the digests of sessions without the option. After the values that every step has, the hash contains an
// option or the next step. The first text of a step is never the name of an option, so the two cannot be confused.
func (e *encoder) option(name, text string) {
	if text != "" {
		e.text(name)
		e.text(text)
	}
}

func (e *encoder) flag(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

// set writes a list of texts. The order of the texts in the list does not change the hash.
func (e *encoder) set(texts []string) {
	e.number(int64(len(texts)))
	for _, t := range slices.Sorted(slices.Values(texts)) {
		e.text(t)
	}
}

func (e *encoder) tags(tags []profile.Tag) {
	sorted := slices.SortedFunc(slices.Values(tags), func(a, b profile.Tag) int { return strings.Compare(a.Key, b.Key) })
	e.number(int64(len(sorted)))
	for _, t := range sorted {
		e.text(t.Key)
		e.text(t.Value)
	}
}

func (e *encoder) digest() Digest { return Digest(hex.EncodeToString(e.hash.Sum(nil)[:16])) }
