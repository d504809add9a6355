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
	ECSNeed = 20 * time.Minute
	EC2Need = 26 * time.Minute
)

const (
	// lead is how much earlier than anybody would notice a credential is renewed.
	lead = 2 * time.Minute
	// patience is how long a request waits for a better credential than the one there is:
	// less than botocore's timeout of two seconds.
	patience = time.Second
	// again is when a renewal that brought nothing new is tried once more.
	again = 2 * time.Minute
	// unending is how long a credential is handed out that says of no end: clients have to
	// come back, as botocore takes none without an expiry.
	unending = time.Hour
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
type Lease struct {
	// Make makes credentials that serve for at least need, or as long as they can. Its
	// context does not end with any request.
	Make func(ctx context.Context, need time.Duration) (aws.Credentials, error)
	// Need is how long what is given should serve.
	Need  time.Duration
	Clock Clock
	// Failed is told the first time in a row that a renewal fails which nobody sees. Nil
	// tells nobody.
	Failed func(error)

	held atomic.Pointer[Held]

	mu       sync.Mutex
	making   *making
	failures int
	retry    time.Time // not tried again before, while what is held is valid
	timer    *time.Timer
	closed   bool
}

// Held are credentials and what has been made of them. It does not change.
type Held struct {
	Credentials aws.Credentials
	Made        time.Time

	fresh, renew time.Time // until when nothing better is needed; when it is renewed
	asked        atomic.Bool
	ecs, ec2     body
}

// making is one call of Make, and all who wait for it.
type making struct {
	done chan struct{}
	held *Held
	err  error
}

// ErrExpired is returned where what was made had expired by the time that it came.
var ErrExpired = errors.New("the credentials that were made have expired already")

// Credentials returns the credentials, or the error of Make where there are none that are
// valid. Where ctx ends first, its cause is returned, and the making goes on.
func (l *Lease) Credentials(ctx context.Context) (*Held, error) {
	now := l.Clock.Now()
	h := l.held.Load()
	if h == nil || !now.Before(h.fresh) {
		var err error
		if h, err = l.better(ctx, h, now); err != nil {
			return nil, err
		}
	}
	if !h.asked.Load() {
		h.asked.Store(true)
	}
	return h, nil
}

// Begin makes the first credentials by create instead of Make, in the caller's own time and with its ctx: whoever
// waits may be asked in ways that are closed later. It is called before anybody else asks.
func (l *Lease) Begin(ctx context.Context, create func(ctx context.Context, need time.Duration) (aws.Credentials, error)) error {
	m := &making{done: make(chan struct{})}
	l.mu.Lock()
	l.making = m
	l.mu.Unlock()
	l.run(ctx, m, create)
	if m.err == nil {
		m.held.asked.Store(true)
	}
	return m.err
}

// better waits for credentials that are better than h, which may be nil.
func (l *Lease) better(ctx context.Context, h *Held, now time.Time) (*Held, error) {
	m, held := l.join(now)
	if m == nil {
		return held, nil
	}
	var enough chan struct{}
	if h.valid(now) {
		enough = make(chan struct{})
		defer l.Clock.AfterFunc(patience, func() { close(enough) }).Stop()
	}
	for {
		select {
		case <-m.done:
			if m.err != nil && h.valid(l.Clock.Now()) {
				return h, nil
			}
			return m.held, m.err
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

// join returns the making that is under way, or begins one. It returns what is held
// instead where one has just ended: with something fresh, since whoever joins looked, or
// in vain, while what is held is valid.
func (l *Lease) join(now time.Time) (*making, *Held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.making != nil {
		return l.making, nil
	}
	if h := l.held.Load(); h.valid(now) && (now.Before(h.fresh) || now.Before(l.retry)) {
		return nil, h
	}
	return l.begin(), nil
}

// begin begins a making. The lease is locked.
func (l *Lease) begin() *making {
	l.making = &making{done: make(chan struct{})}
	// What is asked for here answers many, and the one who asked first may be gone.
	go l.run(context.Background(), l.making, l.Make)
	return l.making
}

func (l *Lease) run(ctx context.Context, m *making, create func(context.Context, time.Duration) (aws.Credentials, error)) {
	c, err := create(ctx, l.Need+lead)
	now := l.Clock.Now()
	if err == nil {
		m.held, err = l.hold(c, now)
	}
	m.err = err
	if told := l.settle(m, now); told && l.Failed != nil {
		l.Failed(err)
	}
	close(m.done)
}

// settle puts the outcome of a making into force, and says what comes next. It reports
// whether somebody should be told that a renewal failed.
func (l *Lease) settle(m *making, now time.Time) (tell bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.making = nil
	before := l.held.Load()
	if m.err == nil {
		next := m.held.renew.Sub(now)
		if before != nil && before.Credentials.Expires.Equal(m.held.Credentials.Expires) { // nothing new was to be had
			m.held.asked.Store(before.asked.Load())
			next = min(next, again)
		}
		l.failures, l.retry = 0, time.Time{}
		l.held.Store(m.held)
		l.later(next)
		return false
	}
	l.failures++
	wait := backoff(l.failures)
	l.retry = now.Add(wait)
	if !before.valid(now) {
		return false // whoever asks next begins anew
	}
	l.later(wait)
	return l.failures == 1
}

// later looks after the credentials once the time has come.
func (l *Lease) later(d time.Duration) {
	if l.timer != nil {
		l.timer.Stop()
	}
	if !l.closed {
		l.timer = l.Clock.AfterFunc(d, l.tick)
	}
}

func (l *Lease) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held.Load(); l.making == nil && h.valid(l.Clock.Now()) && h.asked.Load() {
		l.begin()
	}
}

// Close ends the renewing. Who asks afterwards is still answered.
func (l *Lease) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// busy reports whether somebody may be waiting.
func (l *Lease) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.making != nil
}

// hold says how long credentials are fresh. Credentials that were kept somewhere may have
// lived a part of their life when they come; half of what is left is then waited for.
func (l *Lease) hold(c aws.Credentials, now time.Time) (*Held, error) {
	if !c.CanExpire {
		c.CanExpire, c.Expires = true, now.Add(unending)
	}
	left := c.Expires.Sub(now)
	if left <= 0 {
		return nil, ErrExpired
	}
	h := &Held{Credentials: c, Made: now}
	h.fresh = c.Expires.Add(-min(l.Need, left/2))
	h.renew = c.Expires.Add(-min(l.Need+lead, left/2)).Add(time.Second) // a second past the half, where it counts as half
	return h, nil
}

func (h *Held) valid(now time.Time) bool { return h != nil && now.Before(h.Credentials.Expires) }

// backoff is how long to wait before the call that has failed so many times in a row is
// tried again: up to half a minute, a quarter more or less.
func backoff(failures int) time.Duration {
	const first, longest = time.Second, 30 * time.Second
	d := min(first<<min(failures-1, 10), longest)
	return d*3/4 + rand.N(d/2)
}
