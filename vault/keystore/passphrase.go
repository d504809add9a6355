package keystore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"aws-vault/vault/mutex"
)

// maxPrompts is the maximum number of passphrase prompts. After this many wrong answers, the operation fails.
const maxPrompts = 3

// passphrase prompts for the passphrase of a file keystore and keeps the answer. Before a new item is encrypted, it
// verifies the answer on existing items. Otherwise, a mistyped passphrase would make the new item unreadable.
type passphrase struct {
	dir     string
	prompt  func(context.Context, PassphrasePrompt) (string, error)
	samples func() []*jwe // returns existing items, on which the answer is tried; returns nil if there are none

	promptLock mutex.Mutex // held during a prompt, so that prompts do not overlap
	answer     string
	answered   bool // whether answer contains the user's answer
	verified   bool // whether answer opens at least one item, or is the passphrase of a new keystore

	precomputed precomputed // the key for the next Put, derived in advance after ExpectPut

	// warnEmpty warns once that an empty passphrase opens the items.
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

var errNoPrompt = errors.New("a passphrase is required, but there is no way to prompt for it")

// unverified returns the user's answer, and prompts if necessary. It does not verify the answer, so the answer may be
// wrong.
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

// unlock returns the verified passphrase, and prompts for it if necessary. If first is not nil, unlock tries the
// user's answer on that item. If the answer does not open the item, unlock tries it on other items.
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

// askVerified prompts until an answer opens an item. If two answers in a row are the same, askVerified fails
// without another prompt, because such answers come from a program or a variable, not from a user who mistyped.
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

// nextAnswer returns the user's earlier, unverified answer if there is one. Otherwise, nextAnswer prompts.
func (p *passphrase) nextAnswer(ctx context.Context, first *jwe, wrong int) (string, error) {
	if p.answered {
		p.answered = false
		return p.answer, nil
	}
	return p.prompt(ctx, PassphrasePrompt{Dir: p.dir, New: first == nil && len(p.samples()) == 0, Wrong: wrong})
}

// opensItems reports whether the passphrase (text) opens the given item (first) or at least one of the keystore's
// samples. It reads the samples again, because another process may have written items during the prompt.
func (p *passphrase) opensItems(text string, first *jwe) bool {
	if first != nil && opensAny([]*jwe{first}, text) {
		return true
	}
	items := p.samples()
	if first == nil && len(items) == 0 {
		return text != "" // a new keystore accepts every passphrase except an empty one
	}
	return opensAny(items, text)
}

// opensAny reports whether the passphrase (text) opens at least one of the items. It does not require that all
// items open: aws-vault 7 can write items with several passphrases to the same directory.
func opensAny(items []*jwe, text string) bool {
	for _, j := range items {
		if _, err := j.open(text); !errors.Is(err, ErrWrongPassphrase) {
			return true
		}
	}
	return false
}
