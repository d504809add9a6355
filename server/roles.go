package server

import (
	"cmp"
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Roles is a cache in memory for the credentials of roles that a profile assumes. If the cache contains too many roles,
// it removes the least recently used roles.
type Roles struct {
	NewCache      func(arn string) *CredentialCache // returns a new cache for the role
	Max           int                               // maximum number of cached roles; 0 means 256
	MaxConcurrent int                               // maximum number of concurrent Create calls; 0 means 16

	once   sync.Once
	slots  chan struct{}
	mu     sync.Mutex
	byARN  map[string]*list.Element
	recent list.List // the elements are *roleCache; the most recently used role is first
	closed bool
}

type roleCache struct {
	arn   string
	cache *CredentialCache
}

// cache returns the credential cache of a role.
func (r *Roles) cache(arn string) *CredentialCache {
	r.once.Do(func() {
		r.byARN = map[string]*list.Element{}
		r.slots = make(chan struct{}, cmp.Or(r.MaxConcurrent, 16))
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

// evict removes the least recently used roles until at most Max roles are left. It keeps a role while a renewal is
// in progress, because the next request for the role would otherwise create the credentials a second time.
func (r *Roles) evict() {
	for e := r.recent.Back(); e != nil && r.recent.Len() > cmp.Or(r.Max, 256); {
		before, old := e.Prev(), e.Value.(*roleCache)
		if e != r.recent.Front() && !old.cache.isRenewing() {
			old.cache.Close()
			r.recent.Remove(e)
			delete(r.byARN, old.arn)
		}
		e = before
	}
}

// limitConcurrency returns a function that waits until fewer than MaxConcurrent calls are running, and calls create.
func (r *Roles) limitConcurrency(create func(context.Context, time.Duration) (aws.Credentials, error)) func(context.Context, time.Duration) (aws.Credentials, error) {
	return func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
		r.slots <- struct{}{}
		defer func() { <-r.slots }()
		return create(ctx, need)
	}
}

// Close stops the renewals of all roles.
func (r *Roles) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for e := r.recent.Front(); e != nil; e = e.Next() {
		e.Value.(*roleCache).cache.Close()
	}
}
