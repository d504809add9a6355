package server

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Roles are the leases of roles that are assumed on top of a profile, in memory. Of many,
// those asked for last are kept.
type Roles struct {
	Open   func(arn string) *Lease // a new lease of a role
	Most   int                     // kept; 0 for 256
	AtOnce int                     // made at the same time; 0 for 16

	once    sync.Once
	makers  chan struct{}
	mu      sync.Mutex
	byARN   map[string]*list.Element
	recent  list.List // of *role, the last one asked for in front
	closing bool
}

type role struct {
	arn   string
	lease *Lease
}

// lease returns the lease of a role.
func (r *Roles) lease(arn string) *Lease {
	r.once.Do(func() {
		r.byARN = map[string]*list.Element{}
		r.makers = make(chan struct{}, orElse(r.AtOnce, 16))
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byARN[arn]; ok {
		r.recent.MoveToFront(e)
		return e.Value.(*role).lease
	}
	l := r.Open(arn)
	l.Make = r.turn(l.Make)
	if r.closing {
		l.Close()
	}
	r.byARN[arn] = r.recent.PushFront(&role{arn, l})
	r.forget()
	return l
}

// forget drops what was not asked for the longest, but nothing that somebody waits for:
// it would be made twice.
func (r *Roles) forget() {
	for e := r.recent.Back(); e != nil && r.recent.Len() > orElse(r.Most, 256); {
		before, old := e.Prev(), e.Value.(*role)
		if e != r.recent.Front() && !old.lease.busy() {
			old.lease.Close()
			r.recent.Remove(e)
			delete(r.byARN, old.arn)
		}
		e = before
	}
}

// turn has a role made when it is its turn.
func (r *Roles) turn(makes func(context.Context, time.Duration) (aws.Credentials, error)) func(context.Context, time.Duration) (aws.Credentials, error) {
	return func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
		r.makers <- struct{}{}
		defer func() { <-r.makers }()
		return makes(ctx, need)
	}
}

// Close ends the renewing of all of them.
func (r *Roles) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	for e := r.recent.Front(); e != nil; e = e.Next() {
		e.Value.(*role).lease.Close()
	}
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
