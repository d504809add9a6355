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

// ECSMinValidity and EC2MinValidity are the minimum remaining validity of credentials that an endpoint returns.
// The minimum is lower for credentials with a short lifetime. SDKs renew credentials 15 minutes before they
// expire. If EC2 credentials are valid for less than 25 minutes, botocore replaces their expiry time with a later
// time, and then uses expired credentials.
const (
	ECSMinValidity = 20 * time.Minute
	EC2MinValidity = 26 * time.Minute
)

const (
	// A renewal starts before the remaining validity of the credentials falls below the minimum. renewLead is the
	// time between the start and that moment.
	renewLead = 2 * time.Minute
	// maxRenewalWait is how long a request waits for a renewal while the current credentials are still valid.
	// It is shorter than botocore's timeout, which is two seconds.
	maxRenewalWait = time.Second
	// If a renewal returns the same credentials again, the next renewal starts after at most retryUnchanged.
	retryUnchanged = 2 * time.Minute
	// defaultLifetime is the lifetime that is reported for credentials without an expiry. Clients must request the
	// credentials again after that time. botocore refuses credentials without an expiry.
	defaultLifetime = time.Hour
)

// A Clock provides the current time and timers.
type Clock struct {
	Now       func() time.Time
	AfterFunc func(time.Duration, func()) *time.Timer
}

// A CredentialCache provides the same credentials to many clients, and renews the credentials before they expire.
// A renewal calls Create once, however many clients wait for it. If a renewal fails, clients receive the current
// credentials until these expire. Expired credentials are never returned. If no client has requested the current
// credentials, they are renewed only when a client requests them.
type CredentialCache struct {
	// Create creates credentials that are valid for at least need, or as long as possible. A renewal is not for a
	// single request, so ctx is not the context of a request.
	Create func(ctx context.Context, need time.Duration) (aws.Credentials, error)
	// MinValidity is how long credentials should remain valid when Get returns them.
	MinValidity time.Duration
	Clock       Clock
	// RenewalFailed is called if a renewal fails while the current credentials are still valid. If several
	// renewals in a row fail, RenewalFailed is called only for the first failure. RenewalFailed may be nil.
	RenewalFailed func(error)

	current atomic.Pointer[CachedCredentials]

	mu         sync.Mutex
	renewal    *renewal
	failures   int
	retryAfter time.Time // while the current credentials are valid, no renewal starts before this time
	timer      *time.Timer
	closed     bool
}

// CachedCredentials are credentials with their encoded responses. The credentials and the responses never change.
type CachedCredentials struct {
	Credentials aws.Credentials
	Created     time.Time

	freshUntil, renewAt time.Time // Get needs no renewal before freshUntil; the timer renews at renewAt
	requested           atomic.Bool
	ecs, ec2            body
}

// A renewal is one call to Create. Any number of clients can wait until the channel done is closed.
type renewal struct {
	done   chan struct{}
	result *CachedCredentials
	err    error
}

// ErrExpired reports that Create returned credentials that have already expired.
var ErrExpired = errors.New("the new credentials have already expired")

// Get returns the current credentials, after a renewal if one is necessary. If no credentials are valid, it returns
// the error from Create. If ctx ends first, Get returns the cause of ctx, and the renewal continues.
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

// CreateFirst creates the first credentials with the argument create. Renewals use the field Create instead.
// CreateFirst calls create in the caller's goroutine with ctx, because create may prompt the user in ways that are
// not available to renewals. CreateFirst must be called before any other method.
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

// waitForRenewal waits until the current credentials are renewed. If they are still valid after maxRenewalWait, it
// returns them. The argument h contains the current credentials. It is nil if there are none yet.
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
			enough = nil // the current credentials have expired during the wait, so wait until the renewal ends
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// joinRenewal returns the renewal that is in progress. If there is none, joinRenewal returns the current credentials
// if they are fresh, or if they are valid and the last renewal has failed only recently. Otherwise it starts a
// renewal and returns it.
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

// startRenewal starts a renewal. The caller must hold c.mu.
func (c *CredentialCache) startRenewal() *renewal {
	c.renewal = &renewal{done: make(chan struct{})}
	// Use no client's context: many clients wait for the result, and the client that started the renewal may leave.
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

// finishRenewal stores the result of a renewal and schedules the next renewal. It returns whether RenewalFailed
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
		return false // no timer is needed, because the next request starts a renewal
	}
	c.schedule(wait)
	return c.failures == 1
}

// schedule starts a timer that starts the next renewal after d.
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

// Close stops the timer for renewals. Get can still be called after Close.
func (c *CredentialCache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

// isRenewing reports whether a renewal is in progress. Clients may then be waiting for its result.
func (c *CredentialCache) isRenewing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewal != nil
}

// newCached returns creds with the times freshUntil and renewAt. Create may return a cached session that expires
// soon. So all credentials count as fresh for at least half of the time until they expire. Otherwise each request
// would start a renewal.
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
	// Without the extra second, Create could still return the cached session. One second later, it creates a new
	// session.
	h.renewAt = creds.Expires.Add(-min(c.MinValidity+renewLead, left/2)).Add(time.Second)
	return h, nil
}

func (h *CachedCredentials) valid(now time.Time) bool {
	return h != nil && now.Before(h.Credentials.Expires)
}

// backoff returns the delay after the given number of failed renewals in a row. The delay grows to 30 seconds, and
// varies randomly by 25 %.
func backoff(failures int) time.Duration {
	const first, longest = time.Second, 30 * time.Second
	d := min(first<<min(failures-1, 10), longest)
	return d*3/4 + rand.N(d/2)
}
