// Package fakeaws is a fake AWS that refuses what AWS refuses. It answers over plain HTTP on
// loopback as STS, IAM, IAM Identity Center and the console's sign-in do, refuses what they refuse,
// remembers what it was asked, and misbehaves on request. Real clients cannot tell that it is
// small; every key it makes says EXAMPLE.
package fakeaws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxBody bounds what is read of one request, in bytes.
const maxBody = 1 << 20

// AWS is one fake AWS: its users, roles and sign-in portals, its clock, and what it was asked.
// All its methods may be called from several goroutines.
type AWS struct {
	server *http.Server
	url    string
	done   chan struct{} // closed by Close, so that hanging calls end
	once   sync.Once

	mu       sync.Mutex // guards everything below, and what it points to
	clock    func() time.Time
	ahead    time.Duration
	made     int // how many ids were made
	asked    int // how many calls were answered
	lag      int // uses after which a new key of IAM's works
	users    map[string]*User
	keys     map[string]*accessKey
	devices  map[string]*MFA
	roles    map[string]*role
	sessions map[string]*session
	policies map[string]policy
	issuers  map[string]*provider
	keyCache time.Duration // how long providers' keys are kept
	pins     bool          // the role pin of a token is looked at
	sso      *directory
	anchors  map[string]*anchor
	anywhere map[string]*anywhereProfile
	signins  map[string]time.Time // sign-in tokens of the console, and until when
	noPost   bool                 // the console's sign-in takes GET only
	logins   *loginDesk
	calls    []*Call
	arrived  chan struct{} // closed and replaced when a call arrives
	watch    func(c Call, done bool) (hangup bool)
	faults   []*Fault
}

// NewAWS starts a fake with nobody in it. The caller closes it.
func NewAWS() (*AWS, error) { return NewAWSAt("127.0.0.1:0") }

// NewAWSAt is NewAWS at an address, such as one that sessions were cached for.
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

// Close stops the server and drops its connections, those that hang among them.
func (a *AWS) Close() {
	a.once.Do(func() {
		close(a.done)
		a.server.Close()
	})
}

// URL is the one endpoint for all services, without a slash at the end.
func (a *AWS) URL() string { return a.url }

// Now is the time by the fake's clock.
func (a *AWS) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now()
}

func (a *AWS) now() time.Time { return a.clock().Add(a.ahead) }

// SetClock makes the fake take its time from now, and forgets what Advance added.
func (a *AWS) SetClock(now func() time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock, a.ahead = now, 0
}

// Advance moves the fake's clock; a negative d moves it back.
func (a *AWS) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ahead += d
}
