package keystore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"aws-vault/vault/mutex"
)

// maxAsks is how often the passphrase is asked for before a wrong answer stands.
const maxAsks = 3

// passphrase is the secret of a file keystore, asked for once and tried on what is there: an item
// sealed under a mistyped one could never be read again.
type passphrase struct {
	dir    string
	ask    func(context.Context, PassphraseAsk) (string, error)
	sealed func() []*jwe // some items to try it on; none if the keystore is new

	turn  mutex.Mutex // of who asks
	text  string
	said  bool // text is what was answered
	known bool // and it is the right one

	spare spare // for an item that is expected

	// warnEmpty warns, once, that an empty passphrase opens what is there.
	warnEmpty func()
}

func newPassphrase(dir string, c Config, sealed func() []*jwe) *passphrase {
	return &passphrase{
		dir: dir, ask: c.Passphrase, sealed: sealed, turn: mutex.New(),
		warnEmpty: sync.OnceFunc(func() {
			if c.Warn != nil {
				c.Warn(&EmptyPassphraseError{Dir: dir})
			}
		}),
	}
}

var errNoAsk = errors.New("a passphrase is needed and nobody can be asked for it")

// guess returns what was answered, be it right or not; only [passphrase.unlock] knows.
func (p *passphrase) guess(ctx context.Context) (string, error) {
	give, err := p.turn.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer give()
	if p.said || p.known {
		return p.text, nil
	}
	if p.ask == nil {
		return "", fmt.Errorf("%s: %w", p.dir, errNoAsk)
	}
	text, err := p.ask(ctx, PassphraseAsk{Dir: p.dir})
	if err != nil {
		return "", err
	}
	p.text, p.said = text, true
	p.begin()
	return text, nil
}

// unlock returns the passphrase, asked for if nobody was yet. It is tried on first, if that is not
// nil, and on what else is there.
func (p *passphrase) unlock(ctx context.Context, first *jwe) (string, error) {
	give, err := p.turn.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer give()
	if p.known {
		return p.text, nil
	}
	if p.ask == nil {
		return "", fmt.Errorf("%s: %w", p.dir, errNoAsk)
	}
	text, err := p.askVerified(ctx, first)
	if err != nil {
		return "", err
	}
	p.text, p.said, p.known = text, true, true
	p.begin()
	if text == "" {
		p.warnEmpty()
	}
	return text, nil
}

// askVerified asks until an answer opens one of the items there. An answer given twice is not
// tried again: it does not come from someone who mistyped.
func (p *passphrase) askVerified(ctx context.Context, first *jwe) (string, error) {
	last := ""
	for wrong := range maxAsks {
		text, err := p.answer(ctx, first, wrong)
		if err != nil {
			return "", err
		}
		if wrong > 0 && text == last {
			break
		}
		if p.serves(text, first) {
			return text, nil
		}
		if text == "" && first == nil && len(p.sealed()) == 0 {
			return "", &EmptyPassphraseError{Dir: p.dir, New: true}
		}
		last = text
	}
	return "", fmt.Errorf("%s: %w", p.dir, ErrWrongPassphrase)
}

// answer is what was said before anyone knew whether it is right, or else is asked for.
func (p *passphrase) answer(ctx context.Context, first *jwe, wrong int) (string, error) {
	if p.said {
		p.said = false
		return p.text, nil
	}
	return p.ask(ctx, PassphraseAsk{Dir: p.dir, New: first == nil && len(p.sealed()) == 0, Wrong: wrong})
}

// serves reports whether text opens what is to be opened or, failing that, something else
// that is there. That is looked at now: another process may have sealed the first item while
// we asked.
func (p *passphrase) serves(text string, first *jwe) bool {
	if first != nil && opensOne([]*jwe{first}, text) {
		return true
	}
	items := p.sealed()
	if first == nil && len(items) == 0 {
		return text != "" // which would protect nothing
	}
	return opensOne(items, text)
}

// opensOne reports whether text opens one of items; aws-vault 7 lets a second passphrase into a
// directory, so that not every item need open.
func opensOne(items []*jwe, text string) bool {
	for _, j := range items {
		if _, err := j.open(text); !errors.Is(err, ErrWrongPassphrase) {
			return true
		}
	}
	return false
}
