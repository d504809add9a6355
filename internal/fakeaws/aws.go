// Package fakeaws is a fake AWS that refuses what AWS refuses. It implements STS, IAM, IAM Identity Center, Roles
// Anywhere, aws login and the console's sign-in over plain HTTP on loopback. It also serves OIDC issuers. It records
// the calls that it receives, and produces faults on request. Every key that it creates contains EXAMPLE. Comments
// say where AWS does not document what the fake does.
package fakeaws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 1 << 20

// AWS is one fake AWS: it has users, roles, sign-in portals and a clock, and it records the calls that it receives.
// Its methods are safe for concurrent use.
type AWS struct {
	server *http.Server
	url    string
	done   chan struct{} // closed by Close, to end hanging calls
	once   sync.Once

	mu            sync.Mutex // guards the fields below and everything they point to
	clock         func() time.Time
	ahead         time.Duration
	idsCreated    int // number of ids created so far
	callsAnswered int // number of calls answered so far
	keyDelay      int // number of uses of a new IAM key that fail before the key works
	users         map[string]*User
	keys          map[string]*accessKey
	devices       map[string]*MFA
	roles         map[string]*role
	sessions      map[string]*session
	policies      map[string]policy
	issuers       map[string]*provider
	keyCache      time.Duration // how long the public keys of OIDC providers are cached
	sso           *idcState
	anchors       map[string]*anchor
	anywhere      map[string]*anywhereProfile
	signins       map[string]time.Time // expiry times of the console's sign-in tokens, by token
	noPost        bool                 // whether the console's sign-in accepts only GET requests
	logins        *loginState
	calls         []*Call
	arrived       chan struct{} // closed and replaced when a call arrives
	watch         func(c Call, done bool) (hangup bool)
	faults        []*Fault
}

// NewAWS starts an empty fake AWS on a free port. The caller must close it.
func NewAWS() (*AWS, error) { return NewAWSAt("127.0.0.1:0") }

// NewAWSAt is like NewAWS, but listens on the given address. If a test starts a fake at the address of an earlier
// fake, aws-vault finds in its cache the sessions of the earlier fake.
func NewAWSAt(address string) (*AWS, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("fake AWS: %w", err)
	}
	a := &AWS{
		url:      "http://" + listener.Addr().String(),
		done:     make(chan struct{}),
		clock:    time.Now,
		users:    map[string]*User{},
		keys:     map[string]*accessKey{},
		devices:  map[string]*MFA{},
		roles:    map[string]*role{},
		sessions: map[string]*session{},
		policies: managedPolicies(),
		issuers:  map[string]*provider{},
		sso:      newDirectory(),
		anchors:  map[string]*anchor{},
		anywhere: map[string]*anywhereProfile{},
		signins:  map[string]time.Time{},
		logins:   newLoginDesk(),
		arrived:  make(chan struct{}),
	}
	a.server = &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
	go func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.Close()
		}
	}()
	return a, nil
}

// Close stops the server and closes all connections, including those of hanging calls.
func (a *AWS) Close() {
	a.once.Do(func() {
		close(a.done)
		a.server.Close()
	})
}

// URL returns the endpoint URL for all services. It does not end with a slash.
func (a *AWS) URL() string { return a.url }

// Now returns the time of the fake's clock.
func (a *AWS) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now()
}

func (a *AWS) now() time.Time { return a.clock().Add(a.ahead) }

// SetClock replaces the fake's clock, and cancels the effect of Advance.
func (a *AWS) SetClock(now func() time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock, a.ahead = now, 0
}

// Advance moves the fake's clock forward, or back if d is negative.
func (a *AWS) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ahead += d
}
