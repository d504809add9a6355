package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// How long credentials serve at least that an endpoint hands out, as far as their length
// allows: SDKs begin to renew them 15 minutes before they expire, and botocore stretches
// those of EC2 that have less than 25 minutes left.
const (
	ECSMinValidity = 20 * time.Minute
	EC2MinValidity = 26 * time.Minute
)

const (
	// renewLead is how much earlier than anybody would notice a credential is renewed.
	renewLead = 2 * time.Minute
	// maxRenewalWait is how long a request waits for a better credential than the one there is:
	// less than botocore's timeout of two seconds.
	maxRenewalWait = time.Second
	// retryUnchanged is when a renewal that brought nothing new is tried once more.
	retryUnchanged = 2 * time.Minute
	// defaultLifetime is how long a credential is handed out that says of no end: clients have to
	// come back, as botocore takes none without an expiry.
	defaultLifetime = time.Hour
)

// A Clock is the time, and what happens later.
type Clock struct {
	Now       func() time.Time
	AfterFunc func(time.Duration, func()) *time.Timer
}

// A Lease keeps one set of credentials fresh for all who ask. It renews them before
// anybody notices, with one call however many ask; while those it has are valid, nobody sees that
// a call failed; expired ones are never given. Credentials that nobody has asked for since they
// were made are not renewed until somebody does.
type CredentialCache struct {
	// Create makes credentials that serve for at least need, or as long as they can. Its
	// context does not end with any request.
	Create func(ctx context.Context, need time.Duration) (aws.Credentials, error)
	// MinValidity is how long what is given should serve.
	MinValidity time.Duration
	Clock       Clock
	// RenewalFailed is told the first time in a row that a renewal fails which nobody sees. Nil
	// tells nobody.
	RenewalFailed func(error)

	current atomic.Pointer[CachedCredentials]

	mu         sync.Mutex
	renewal    *renewal
	failures   int
	retryAfter time.Time // not tried again before, while what is held is valid
	timer      *time.Timer
	closed     bool
}

// CachedCredentials are credentials and what has been made of them. It does not change.
type CachedCredentials struct {
	Credentials aws.Credentials
	Created     time.Time

	freshUntil, renewAt time.Time // until when nothing better is needed; when it is renewed
	requested           atomic.Bool
	ecs, ec2            body
}

// renewal is one call of Make, and all who wait for it.
type renewal struct {
	done   chan struct{}
	result *CachedCredentials
	err    error
}

// ErrExpired is returned where what was made had expired by the time that it came.
var ErrExpired = errors.New("the credentials that were made have expired already")

// Get returns the credentials, or the error of Make where there are none that are
// valid. Where ctx ends first, its cause is returned, and the making goes on.
func (l *CredentialCache) Get(ctx context.Context) (*CachedCredentials, error) {
	now := l.Clock.Now()
	h := l.current.Load()
	if h == nil || !now.Before(h.freshUntil) {
		var err error
		if h, err = l.waitForRenewal(ctx, h, now); err != nil {
			return nil, err
		}
	}
	if !h.requested.Load() {
		h.requested.Store(true)
	}
	return h, nil
}

// CreateFirst makes the first credentials by create instead of Make, in the caller's own time and with its ctx: whoever
// waits may be asked in ways that are closed later. It is called before anybody else asks.
func (l *CredentialCache) CreateFirst(ctx context.Context, create func(ctx context.Context, need time.Duration) (aws.Credentials, error)) error {
	m := &renewal{done: make(chan struct{})}
	l.mu.Lock()
	l.renewal = m
	l.mu.Unlock()
	l.run(ctx, m, create)
	if m.err == nil {
		m.result.requested.Store(true)
	}
	return m.err
}

// waitForRenewal waits for credentials that are better than h, which may be nil.
func (l *CredentialCache) waitForRenewal(ctx context.Context, h *CachedCredentials, now time.Time) (*CachedCredentials, error) {
	m, held := l.joinRenewal(now)
	if m == nil {
		return held, nil
	}
	var enough chan struct{}
	if h.valid(now) {
		enough = make(chan struct{})
		defer l.Clock.AfterFunc(maxRenewalWait, func() { close(enough) }).Stop()
	}
	for {
		select {
		case <-m.done:
			if m.err != nil && h.valid(l.Clock.Now()) {
				return h, nil
			}
			return m.result, m.err
		case <-enough:
			if h.valid(l.Clock.Now()) {
				return h, nil
			}
			enough = nil // it has expired in the meantime
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// joinRenewal returns the making that is under way, or begins one. It returns what is held
// instead where one has just ended: with something fresh, since whoever joins looked, or
// in vain, while what is held is valid.
func (l *CredentialCache) joinRenewal(now time.Time) (*renewal, *CachedCredentials) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.renewal != nil {
		return l.renewal, nil
	}
	if h := l.current.Load(); h.valid(now) && (now.Before(h.freshUntil) || now.Before(l.retryAfter)) {
		return nil, h
	}
	return l.startRenewal(), nil
}

// startRenewal begins a making. The lease is locked.
func (l *CredentialCache) startRenewal() *renewal {
	l.renewal = &renewal{done: make(chan struct{})}
	// What is asked for here answers many, and the one who asked first may be gone.
	go l.run(context.Background(), l.renewal, l.Create)
	return l.renewal
}

func (l *CredentialCache) run(ctx context.Context, m *renewal, create func(context.Context, time.Duration) (aws.Credentials, error)) {
	c, err := create(ctx, l.MinValidity+renewLead)
	now := l.Clock.Now()
	if err == nil {
		m.result, err = l.newCached(c, now)
	}
	m.err = err
	if told := l.finishRenewal(m, now); told && l.RenewalFailed != nil {
		l.RenewalFailed(err)
	}
	close(m.done)
}

// finishRenewal puts the outcome of a making into force, and says what comes next. It reports
// whether somebody should be told that a renewal failed.
func (l *CredentialCache) finishRenewal(m *renewal, now time.Time) (tell bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewal = nil
	before := l.current.Load()
	if m.err == nil {
		next := m.result.renewAt.Sub(now)
		if before != nil && before.Credentials.Expires.Equal(m.result.Credentials.Expires) { // nothing new was to be had
			m.result.requested.Store(before.requested.Load())
			next = min(next, retryUnchanged)
		}
		l.failures, l.retryAfter = 0, time.Time{}
		l.current.Store(m.result)
		l.schedule(next)
		return false
	}
	l.failures++
	wait := backoff(l.failures)
	l.retryAfter = now.Add(wait)
	if !before.valid(now) {
		return false // whoever asks next begins anew
	}
	l.schedule(wait)
	return l.failures == 1
}

// schedule looks after the credentials once the time has come.
func (l *CredentialCache) schedule(d time.Duration) {
	if l.timer != nil {
		l.timer.Stop()
	}
	if !l.closed {
		l.timer = l.Clock.AfterFunc(d, l.renewIfUsed)
	}
}

func (l *CredentialCache) renewIfUsed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.current.Load(); l.renewal == nil && h.valid(l.Clock.Now()) && h.requested.Load() {
		l.startRenewal()
	}
}

// Close ends the renewing. Who asks afterwards is still answered.
func (l *CredentialCache) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// isRenewing reports whether somebody may be waiting.
func (l *CredentialCache) isRenewing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewal != nil
}

// newCached says how long credentials are fresh. Credentials that were kept somewhere may have
// lived a part of their life when they come; half of what is left is then waited for.
func (l *CredentialCache) newCached(c aws.Credentials, now time.Time) (*CachedCredentials, error) {
	if !c.CanExpire {
		c.CanExpire, c.Expires = true, now.Add(defaultLifetime)
	}
	left := c.Expires.Sub(now)
	if left <= 0 {
		return nil, ErrExpired
	}
	h := &CachedCredentials{Credentials: c, Created: now}
	h.freshUntil = c.Expires.Add(-min(l.MinValidity, left/2))
	h.renewAt = c.Expires.Add(-min(l.MinValidity+renewLead, left/2)).Add(time.Second) // a second past the half, where it counts as half
	return h, nil
}

func (h *CachedCredentials) valid(now time.Time) bool {
	return h != nil && now.Before(h.Credentials.Expires)
}

// backoff is how long to wait before the call that has failed so many times in a row is
// tried again: up to half a minute, a quarter more or less.
func backoff(failures int) time.Duration {
	const first, longest = time.Second, 30 * time.Second
	d := min(first<<min(failures-1, 10), longest)
	return d*3/4 + rand.N(d/2)
}
