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

// A Spec is what carrying a step out needs. It can be printed: it holds no secret.
type Spec interface {
	Args() []Arg     // in the order they are shown
	encode(*encoder) // everything that the credentials depend on
}

// An Arg is one line of a step's explanation.
type Arg struct{ Name, Value string }

// A Digest names a session by everything that went into it: 32 hexadecimal digits, which
// keystores take for the name of an item as they are.
type Digest string

// Digest returns the name of the session that the i-th step makes: a hash of that
// step and of every one before it. Change a setting, a key or a policy anywhere along
// the way, and the digest is another. Reasons, the way a code is had and the names of
// profiles are left out, so that profiles which ask for the same share a session. Only a
// program that a profile runs can go by the profile's name, so there the name counts. The
// digest names no session unless the plan is [Plan.Decided] for that step.
func (p Plan) Digest(i int) Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault session 1")
	for j, s := range p.Steps[:i+1] {
		s.encode(&e)
		if j < i {
			e.option("gave", s.Gave)
		}
	}
	return e.digest()
}

// Lasting returns the name of a user's session that is kept apart from the one under
// d, because just this duration was asked for.
func (d Digest) Lasting(lasts time.Duration) Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault session of a duration 1")
	e.text(string(d))
	e.number(int64(lasts))
	return e.digest()
}

// encode sets what is handed to a coding agent apart from a person's, even where both are
// limited alike. It leaves out of a session token what does not limit its use: it is good in
// every region of its partition, and serves whoever asks for less than is left.
func (s Step) encode(e *encoder) {
	if s.Agent != "" { // no kind of step has this name
		e.text("for a coding agent")
		e.text(s.Agent)
	}
	e.text(string(s.Kind))
	e.text(s.MFA.Serial)
	if s.Kind == KindSessionToken {
		e.text(partition.Of(s.Region))
	} else {
		e.text(s.Region)
		e.number(int64(s.Lasts))
	}
	s.Endpoint.encode(e)
	e.text(s.Policy.Inline)
	e.set(s.Policy.ARNs)
	s.Spec.encode(e)
	// A bundle of roots decides who is believed to be AWS. Its name counts and not what is in the file, as with the
	// system's own roots.
	e.option("ca_bundle", s.Endpoint.CABundle)
	if s.runsProgram() {
		e.option("a program of profile", s.Profile)
	}
	if s.Touch {
		e.text("touch")
	}
}

// An encoder writes values so that no two different sequences look alike: each text
// goes after its length.
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

// option encodes a text under a name, and nothing for an empty one: a session that does without keeps its digest. It
// comes after all that a kind of step always has, and no kind has such a name.
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

// set encodes texts whose order means nothing.
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
