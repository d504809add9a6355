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

// The minimum remaining validity of credentials that an endpoint provides, if their lifetime allows it. SDKs
// renew credentials 15 minutes before they expire. botocore extends EC2 credentials that are valid for less
// than 25 minutes.
const (
	ECSMinValidity = 20 * time.Minute
	EC2MinValidity = 26 * time.Minute
)

const (
	// renewLead is how long before the minimum validity is reached the credentials are renewed.
	renewLead = 2 * time.Minute
	// maxRenewalWait is how long a request waits for a renewal while the current credentials are still valid.
	// It is less than botocore's timeout of two seconds.
	maxRenewalWait = time.Second
	// retryUnchanged is the delay before the next renewal if a renewal returned the same credentials.
	retryUnchanged = 2 * time.Minute
	// defaultLifetime is the reported lifetime of credentials without an expiry. Clients must come back for
	// them, and botocore does not accept credentials without an expiry.
	defaultLifetime = time.Hour
)

// A Clock provides the current time and timers.
type Clock struct {
	Now       func() time.Time
	AfterFunc func(time.Duration, func()) *time.Timer
}

// A CredentialCache provides the same credentials to many clients, and renews them in time. A renewal makes
// one call, however many clients wait for it. If a renewal fails, clients still receive the current
// credentials while these are valid. Expired credentials are never returned. Credentials that no client has
// requested are not renewed until a client requests them.
type CredentialCache struct {
	// Create creates credentials that are valid for at least need, or as long as possible. Its context is not
	// the context of a request.
	Create func(ctx context.Context, need time.Duration) (aws.Credentials, error)
	// MinValidity is how long the returned credentials should remain valid.
	MinValidity time.Duration
	Clock       Clock
	// RenewalFailed is called for the first of several failed renewals in a row, if the current credentials
	// are still valid. It may be nil.
	RenewalFailed func(error)

	current atomic.Pointer[CachedCredentials]

	mu         sync.Mutex
	renewal    *renewal
	failures   int
	retryAfter time.Time // no renewal before this time while the current credentials are valid
	timer      *time.Timer
	closed     bool
}

// CachedCredentials are credentials with their encoded responses. They are immutable.
type CachedCredentials struct {
	Credentials aws.Credentials
	Created     time.Time

	freshUntil, renewAt time.Time // no renewal is needed before freshUntil; the timer renews at renewAt
	requested           atomic.Bool
	ecs, ec2            body
}

// A renewal is one call of Create. Any number of clients wait for done.
type renewal struct {
	done   chan struct{}
	result *CachedCredentials
	err    error
}

// ErrExpired reports that Create returned credentials that have already expired.
var ErrExpired = errors.New("the new credentials have already expired")

// Get returns the current credentials, and renews them if necessary. If no credentials are valid, it returns
// the error of Create. If ctx ends first, it returns its cause, and the renewal continues.
func (c *CredentialCache) Get(ctx context.Context) (*CachedCredentials, error) {
	now := c.Clock.Now()
	h := c.current.Load()
	if h == nil || !now.Before(h.freshUntil) {
		var err error
		if h, err = c.waitForRenewal(ctx, h, now); err != nil {
			return nil, err
		}
	}
	if !h.requested.Load() {
		h.requested.Store(true)
	}
	return h, nil
}

// CreateFirst creates the first credentials with the function create. Renewals use the field Create. The
// function runs in the calling goroutine with ctx, because the user may be prompted in ways that are not
// available later. CreateFirst must be called before any other method.
func (c *CredentialCache) CreateFirst(ctx context.Context, create func(ctx context.Context, need time.Duration) (aws.Credentials, error)) error {
	m := &renewal{done: make(chan struct{})}
	c.mu.Lock()
	c.renewal = m
	c.mu.Unlock()
	c.run(ctx, m, create)
	if m.err == nil {
		m.result.requested.Store(true)
	}
	return m.err
}

// waitForRenewal waits for newer credentials than h, which may be nil.
func (c *CredentialCache) waitForRenewal(ctx context.Context, h *CachedCredentials, now time.Time) (*CachedCredentials, error) {
	m, held := c.joinRenewal(now)
	if m == nil {
		return held, nil
	}
	var enough chan struct{}
	if h.valid(now) {
		enough = make(chan struct{})
		defer c.Clock.AfterFunc(maxRenewalWait, func() { close(enough) }).Stop()
	}
	for {
		select {
		case <-m.done:
			if m.err != nil && h.valid(c.Clock.Now()) {
				return h, nil
			}
			return m.result, m.err
		case <-enough:
			if h.valid(c.Clock.Now()) {
				return h, nil
			}
			enough = nil // the credentials have expired meanwhile
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// joinRenewal returns the current renewal, or starts one. It returns the current credentials instead if they
// are fresh, or if the last renewal failed recently and they are still valid.
func (c *CredentialCache) joinRenewal(now time.Time) (*renewal, *CachedCredentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renewal != nil {
		return c.renewal, nil
	}
	if h := c.current.Load(); h.valid(now) && (now.Before(h.freshUntil) || now.Before(c.retryAfter)) {
		return nil, h
	}
	return c.startRenewal(), nil
}

// startRenewal starts a renewal. The caller holds the mutex.
func (c *CredentialCache) startRenewal() *renewal {
	c.renewal = &renewal{done: make(chan struct{})}
	// Many clients wait for the result, and the one that started the renewal may be gone.
	go c.run(context.Background(), c.renewal, c.Create)
	return c.renewal
}

func (c *CredentialCache) run(ctx context.Context, m *renewal, create func(context.Context, time.Duration) (aws.Credentials, error)) {
	creds, err := create(ctx, c.MinValidity+renewLead)
	now := c.Clock.Now()
	if err == nil {
		m.result, err = c.newCached(creds, now)
	}
	m.err = err
	if report := c.finishRenewal(m, now); report && c.RenewalFailed != nil {
		c.RenewalFailed(err)
	}
	close(m.done)
}

// finishRenewal stores the result of a renewal and schedules the next one. It reports whether RenewalFailed
// should be called.
func (c *CredentialCache) finishRenewal(m *renewal, now time.Time) (report bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewal = nil
	before := c.current.Load()
	if m.err == nil {
		next := m.result.renewAt.Sub(now)
		if before != nil && before.Credentials.Expires.Equal(m.result.Credentials.Expires) { // the credentials are unchanged
			m.result.requested.Store(before.requested.Load())
			next = min(next, retryUnchanged)
		}
		c.failures, c.retryAfter = 0, time.Time{}
		c.current.Store(m.result)
		c.schedule(next)
		return false
	}
	c.failures++
	wait := backoff(c.failures)
	c.retryAfter = now.Add(wait)
	if !before.valid(now) {
		return false // the next request starts a new renewal
	}
	c.schedule(wait)
	return c.failures == 1
}

// schedule starts a timer for the next renewal.
func (c *CredentialCache) schedule(d time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.closed {
		c.timer = c.Clock.AfterFunc(d, c.renewIfUsed)
	}
}

func (c *CredentialCache) renewIfUsed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.current.Load(); c.renewal == nil && h.valid(c.Clock.Now()) && h.requested.Load() {
		c.startRenewal()
	}
}

// Close stops the renewal timer. Get can still be called.
func (c *CredentialCache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

// isRenewing reports whether a renewal is in progress, so that clients may be waiting.
func (c *CredentialCache) isRenewing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewal != nil
}

// newCached computes until when credentials are fresh. Create may return cached credentials of which a part
// of the lifetime has passed. They are fresh for at least half of their remaining lifetime.
func (c *CredentialCache) newCached(creds aws.Credentials, now time.Time) (*CachedCredentials, error) {
	if !creds.CanExpire {
		creds.CanExpire, creds.Expires = true, now.Add(defaultLifetime)
	}
	left := creds.Expires.Sub(now)
	if left <= 0 {
		return nil, ErrExpired
	}
	h := &CachedCredentials{Credentials: creds, Created: now}
	h.freshUntil = creds.Expires.Add(-min(c.MinValidity, left/2))
	// Renew one second after half of the lifetime, because the store then creates a new session.
	h.renewAt = creds.Expires.Add(-min(c.MinValidity+renewLead, left/2)).Add(time.Second)
	return h, nil
}

func (h *CachedCredentials) valid(now time.Time) bool {
	return h != nil && now.Before(h.Credentials.Expires)
}

// backoff returns the delay after this number of failed renewals in a row: up to 30 seconds, with random
// variation of 25 %.
func backoff(failures int) time.Duration {
	const first, longest = time.Second, 30 * time.Second
	d := min(first<<min(failures-1, 10), longest)
	return d*3/4 + rand.N(d/2)
}
