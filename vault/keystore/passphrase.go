package keystore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"aws-vault/vault/mutex"
)

// maxPrompts is how often the passphrase is asked for before a wrong answer stands.
const maxPrompts = 3

// passphrase is the secret of a file keystore, asked for once and tried on what is there: an item
// sealed under a mistyped one could never be read again.
type passphrase struct {
	dir     string
	prompt  func(context.Context, PassphrasePrompt) (string, error)
	samples func() []*jwe // some items to try it on; none if the keystore is new

	promptLock mutex.Mutex // passphrase who asks
	answer     string
	answered   bool // answer is what was answered
	verified   bool // and it is the right one

	precomputed precomputed // for an item that is expected

	// warnEmpty warns, once, that an empty passphrase opens what is there.
	warnEmpty func()
}

func newPassphrase(dir string, c Config, samples func() []*jwe) *passphrase {
	return &passphrase{
		dir: dir, prompt: c.Passphrase, samples: samples, promptLock: mutex.New(),
		warnEmpty: sync.OnceFunc(func() {
			if c.Warn != nil {
				c.Warn(&EmptyPassphraseError{Dir: dir})
			}
		}),
	}
}

var errNoPrompt = errors.New("a passphrase is needed and nobody can be asked for it")

// unverified returns what was answered, be it right or not; only [passphrase.unlock] knows.
func (p *passphrase) unverified(ctx context.Context) (string, error) {
	release, err := p.promptLock.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	if p.answered || p.verified {
		return p.answer, nil
	}
	if p.prompt == nil {
		return "", fmt.Errorf("%s: %w", p.dir, errNoPrompt)
	}
	text, err := p.prompt(ctx, PassphrasePrompt{Dir: p.dir})
	if err != nil {
		return "", err
	}
	p.answer, p.answered = text, true
	p.precompute()
	return text, nil
}

// unlock returns the passphrase, asked for if nobody was yet. It is tried on first, if that is not
// nil, and on what else is there.
func (p *passphrase) unlock(ctx context.Context, first *jwe) (string, error) {
	release, err := p.promptLock.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	if p.verified {
		return p.answer, nil
	}
	if p.prompt == nil {
		return "", fmt.Errorf("%s: %w", p.dir, errNoPrompt)
	}
	text, err := p.askVerified(ctx, first)
	if err != nil {
		return "", err
	}
	p.answer, p.answered, p.verified = text, true, true
	p.precompute()
	if text == "" {
		p.warnEmpty()
	}
	return text, nil
}

// askVerified asks until an answer opens one of the items there. An answer given twice is not
// tried again: it does not come from someone who mistyped.
func (p *passphrase) askVerified(ctx context.Context, first *jwe) (string, error) {
	last := ""
	for wrong := range maxPrompts {
		text, err := p.nextAnswer(ctx, first, wrong)
		if err != nil {
			return "", err
		}
		if wrong > 0 && text == last {
			break
		}
		if p.opensItems(text, first) {
			return text, nil
		}
		if text == "" && first == nil && len(p.samples()) == 0 {
			return "", &EmptyPassphraseError{Dir: p.dir, New: true}
		}
		last = text
	}
	return "", fmt.Errorf("%s: %w", p.dir, ErrWrongPassphrase)
}

// passphraseAnswer is what was said before anyone knew whether it is right, or else is asked for.
func (p *passphrase) nextAnswer(ctx context.Context, first *jwe, wrong int) (string, error) {
	if p.answered {
		p.answered = false
		return p.answer, nil
	}
	return p.prompt(ctx, PassphrasePrompt{Dir: p.dir, New: first == nil && len(p.samples()) == 0, Wrong: wrong})
}

// opensItems reports whether text opens what is to be opened or, failing that, something else
// that is there. That is looked at now: another process may have sealed the first item while
// we asked.
func (p *passphrase) opensItems(text string, first *jwe) bool {
	if first != nil && opensAny([]*jwe{first}, text) {
		return true
	}
	items := p.samples()
	if first == nil && len(items) == 0 {
		return text != "" // which would protect nothing
	}
	return opensAny(items, text)
}

// opensAny reports whether text opens one of items; aws-vault 7 lets a second passphrase into a
// directory, so that not every item need open.
func opensAny(items []*jwe, text string) bool {
	for _, j := range items {
		if _, err := j.open(text); !errors.Is(err, ErrWrongPassphrase) {
			return true
		}
	}
	return false
}
