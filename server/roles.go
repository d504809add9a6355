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
	NewCache      func(arn string) *CredentialCache // a new lease of a role
	Max           int                               // kept; 0 for 256
	MaxConcurrent int                               // made at the same time; 0 for 16

	once   sync.Once
	slots  chan struct{}
	mu     sync.Mutex
	byARN  map[string]*list.Element
	recent list.List // of *role, the last one asked for in front
	closed bool
}

type roleCache struct {
	arn   string
	cache *CredentialCache
}

// cache returns the lease of a role.
func (r *Roles) cache(arn string) *CredentialCache {
	r.once.Do(func() {
		r.byARN = map[string]*list.Element{}
		r.slots = make(chan struct{}, orElse(r.MaxConcurrent, 16))
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byARN[arn]; ok {
		r.recent.MoveToFront(e)
		return e.Value.(*roleCache).cache
	}
	l := r.NewCache(arn)
	l.Create = r.limitConcurrency(l.Create)
	if r.closed {
		l.Close()
	}
	r.byARN[arn] = r.recent.PushFront(&roleCache{arn, l})
	r.evict()
	return l
}

// evict drops what was not asked for the longest, but nothing that somebody waits for:
// it would be made twice.
func (r *Roles) evict() {
	for e := r.recent.Back(); e != nil && r.recent.Len() > orElse(r.Max, 256); {
		before, old := e.Prev(), e.Value.(*roleCache)
		if e != r.recent.Front() && !old.cache.isRenewing() {
			old.cache.Close()
			r.recent.Remove(e)
			delete(r.byARN, old.arn)
		}
		e = before
	}
}

// limitConcurrency has a role made when it is its turn.
func (r *Roles) limitConcurrency(makes func(context.Context, time.Duration) (aws.Credentials, error)) func(context.Context, time.Duration) (aws.Credentials, error) {
	return func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
		r.slots <- struct{}{}
		defer func() { <-r.slots }()
		return makes(ctx, need)
	}
}

// Close ends the renewing of all of them.
func (r *Roles) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for e := r.recent.Front(); e != nil; e = e.Next() {
		e.Value.(*roleCache).cache.Close()
	}
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
