package source

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// An exchangeFixture is a fixture in which a single-use code or token is about to be exchanged.
type exchangeFixture struct {
	*fixture
	ring   *keystoretest.Ring
	dir    string
	remote bool        // whether the keystore is written through another program
	name   plan.Digest // name of the stored token
	action string      // name of the exchange's action in the fake AWS
	renews bool        // whether a refresh token is exchanged, which needs no prompt
	issuer *fakeaws.Issuer

	exchange func(context.Context) error // runs the exchange
	reuse    func(context.Context) error // uses the stored sign-in
	validity time.Duration               // how long the sign-in can be used without a renewal
}

// signInActions are the actions of the fake AWS that are called during an interactive sign-in.
var signInActions = []string{"Authorize", "StartDeviceAuthorization", "LoginPage", "OpenIDAuthorize", "OpenIDDevice"}

// exchangeKinds maps each kind of single-use code or token to a function that returns its fixture.
var exchangeKinds = map[string]func(*testing.T) *exchangeFixture{
	"Identity Center, refresh token": func(t *testing.T) *exchangeFixture { return newSSOExchange(t, true).renewing() },
	"Identity Center, device code":   func(t *testing.T) *exchangeFixture { return newSSOExchange(t, true) },
	"Identity Center, code":          func(t *testing.T) *exchangeFixture { return newSSOExchange(t, false) },
	"OIDC, refresh token":            func(t *testing.T) *exchangeFixture { return newOpenIDExchange(t, plan.FlowBrowser).renewing() },
	"OIDC, device code":              func(t *testing.T) *exchangeFixture { return newOpenIDExchange(t, plan.FlowDevice) },
	"OIDC, code":                     func(t *testing.T) *exchangeFixture { return newOpenIDExchange(t, plan.FlowBrowser) },
	"aws login, refresh token":       func(t *testing.T) *exchangeFixture { return newLoginExchange(t).renewing() },
	"aws login, code":                newLoginExchange,
}

func newSSOExchange(t *testing.T, device bool) *exchangeFixture {
	r := newSSOFixture(t)
	r.User.UseDevice = device
	r.User.OpenBrowser = func(page string) error {
		if !device {
			go loginFixture{r}.visit(page)
		}
		return nil
	}
	act := func(ctx context.Context) error {
		_, err := r.SSO(r.role().Endpoint, r.sso()).SignIn(ctx)
		return err
	}
	return &exchangeFixture{fixture: r.fixture, ring: r.ring, name: r.sso().TokenDigest(), action: "CreateToken", exchange: act, reuse: act, validity: 8 * time.Hour}
}

func newOpenIDExchange(t *testing.T, flow string) *exchangeFixture {
	r := newOpenIDFixture(t, alice)
	to := r.to()
	to.Flow = flow
	if flow == plan.FlowDevice {
		r.User.OpenBrowser = nil
	}
	act := func(ctx context.Context) error {
		who, err := r.OpenID(to).SignIn(ctx)
		if err == nil && who.Subject != "alice" {
			t.Errorf("%q is signed in, want alice", who.Subject)
		}
		return err
	}
	return &exchangeFixture{fixture: r.fixture, ring: r.ring, name: to.TokenDigest(), action: "OpenIDToken", exchange: act, reuse: act, validity: time.Hour, issuer: r.issuer}
}

func newLoginExchange(t *testing.T) *exchangeFixture {
	r := newLoginFixture(t)
	act := func(ctx context.Context) error {
		_, err := r.AWSLogin(r.login()).SignIn(ctx, r.alice(), false)
		return err
	}
	again := func(ctx context.Context) error {
		spec := plan.Login{Session: r.alice()}
		var err error
		if spec.SignIn, err = r.LoginSignInID(ctx, spec); err != nil { // a real plan contains the ID
			return err
		}
		_, err = r.Create(ctx, r.step(plan.KindLogin, spec), r.key())
		return err
	}
	return &exchangeFixture{
		fixture: r.fixture, ring: r.ring, name: plan.Login{Session: r.alice()}.TokenDigest(), action: "CreateOAuth2Token",
		exchange: act, reuse: again, validity: 15 * time.Minute,
	}
}

// renewing signs the user in and lets the tokens expire, so that the refresh token is exchanged next.
func (r *exchangeFixture) renewing() *exchangeFixture {
	r.Helper()
	if err := r.exchange(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.aws.Advance(r.validity)
	r.exchange, r.renews = r.reuse, true
	return r
}

// restart simulates a new process with the same files and keystore.
func (r *exchangeFixture) restart() {
	r.aws.Reset()
	r.lastOpenID.set("")
	r.Exchanges, r.Tokens = new(Exchanges), r.tokens()
}

func (r *exchangeFixture) tokens() *store.Tokens {
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(r.dir, "locks")), Now: r.aws.Now}
	state := disk.NewFolder(r.dir)
	index := &store.Index{Dir: state, Locks: locks}
	t := &store.Tokens{Ring: r.ring, Locks: locks, Index: index, Now: r.aws.Now, WriteTime: 20 * time.Millisecond}
	if r.remote {
		t.Ring = &store.Pending{Ring: r.ring, Dir: state.Folder("pending"), Index: index, Now: r.aws.Now}
	}
	return t
}

// refresh returns the stored refresh token.
func (r *exchangeFixture) refresh() string {
	var secret struct {
		Refresh string `json:"refresh_token"`
	}
	token, _, err := r.tokens().Find(context.Background(), string(r.name))
	if err == nil && len(token.Secret) > 0 {
		err = json.Unmarshal(token.Secret, &secret)
	}
	if err != nil {
		r.Errorf("the stored token cannot be read: %v", err)
	}
	return secret.Refresh
}

// exchanged reports whether AWS or the provider answered the exchange successfully.
func (r *exchangeFixture) exchanged() bool {
	return slices.ContainsFunc(r.aws.Calls(), func(c fakeaws.Call) bool { return c.Action == r.action && c.Status == 200 })
}

// signInCalls returns the calls since the last restart that belong to interactive sign-ins.
func (r *exchangeFixture) signInCalls() (all []string) {
	for _, c := range r.aws.Calls() {
		if slices.Contains(signInActions, c.Action) {
			all = append(all, c.Action)
		}
	}
	return all
}

// wantSurvival checks that the sign-in is not lost: two more processes can renew it without a prompt.
func (r *exchangeFixture) wantSurvival() {
	r.Helper()
	for range 2 {
		r.restart()
		r.aws.Advance(r.validity)
		if err := r.reuse(r.Context()); err != nil {
			r.Errorf("the next run fails: %v", err)
		}
		if asked := r.signInCalls(); asked != nil {
			r.Errorf("the next run signs the user in: %q", asked)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "pending", "*")); len(left) > 0 {
		r.Errorf("files left in the pending folder: %q", left)
	}
}

// These functions select the exchanges that a test covers.
func allExchanges(string, bool) bool            { return true }
func renewals(kind string, _ bool) bool         { return strings.Contains(kind, "refresh") }
func deviceCodes(kind string, r bool) bool      { return strings.Contains(kind, "device") && !r }
func withProgram(_ string, remote bool) bool    { return remote }
func ofOpenID(kind string, _ bool) bool         { return strings.HasPrefix(kind, "OIDC") }
func renewalsOfOpenID(kind string, r bool) bool { return ofOpenID(kind, r) && renewals(kind, r) }

// eachExchange runs the function test for each kind of exchange and each kind of keystore for which the function
// about returns true.
func eachExchange(t *testing.T, about func(kind string, remote bool) bool, test func(*testing.T, *exchangeFixture)) {
	for kind, begin := range exchangeKinds {
		for backend, remote := range map[string]bool{"file": false, "program": true} {
			if !about(kind, remote) {
				continue
			}
			t.Run(kind+", "+backend, func(t *testing.T) {
				r := begin(t)
				r.remote, r.dir = remote, t.TempDir()
				r.restart()
				test(t, r)
			})
		}
	}
}

// If a signal arrives while an exchange waits for its response, the response is still stored.
func TestExchangeIsInterrupted(t *testing.T) {
	eachExchange(t, allExchanges, func(t *testing.T, r *exchangeFixture) {
		release := make(chan struct{})
		r.aws.Fail(fakeaws.Fault{Action: r.action, Late: release}) // AWS accepts the token, but delays the response
		delayed := make(chan string, 1)
		r.NotifyDelay = func(m string) { delayed <- m }
		ctx, signal := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.exchange(ctx) }()
		if err := r.aws.Await(t.Context(), r.action, 1); err != nil {
			t.Fatal(err)
		}
		signal()
		if m := <-delayed; !strings.Contains(m, "so that the sign-in is not lost") {
			t.Errorf("the user sees the note %q", m)
		}
		close(release)
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		r.wantSurvival()
	})
}

// If a poll for a device code fails because the service is busy or not reachable, polling goes on.
func TestPollingGoesOn(t *testing.T) {
	for name, fault := range map[string]fakeaws.Fault{
		"busy":          {Status: 503, Code: "temporarily_unavailable"},
		"not reachable": {Hangup: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachExchange(t, deviceCodes, func(t *testing.T, r *exchangeFixture) {
				fault.Action, fault.Times = r.action, 4 // one call has fewer attempts, so a poll fails
				r.aws.Fail(fault)
				if err := r.exchange(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.wantSurvival()
			})
		})
	}
}

// If a signal arrives before the exchange, the refresh token is not sent.
func TestExchangeDoesNotBegin(t *testing.T) {
	eachExchange(t, renewals, func(t *testing.T, r *exchangeFixture) {
		ctx, signal := context.WithCancel(t.Context())
		signal()
		if err := r.exchange(ctx); !errors.Is(err, context.Canceled) || r.exchanged() {
			t.Errorf("got %v, traded: %v", err, r.exchanged())
		}
		r.wantSurvival()
	})
}

// The process waits for a running exchange before it ends, and starts no new one.
func TestProcessWaitsForExchange(t *testing.T) {
	eachExchange(t, allExchanges, func(t *testing.T, r *exchangeFixture) {
		release := make(chan struct{})
		r.aws.Fail(fakeaws.Fault{Action: r.action, Late: release})
		ended := make(chan error, 1)
		go func() { ended <- r.exchange(context.Background()) }()
		if err := r.aws.Await(t.Context(), r.action, 1); err != nil {
			t.Fatal(err)
		}
		closed := make(chan string)
		go func() {
			r.Exchanges.Close()
			closed <- r.refresh()
		}()
		select {
		case <-closed:
			t.Error("the process ends in the middle of an exchange")
			close(release)
		case <-time.After(20 * time.Millisecond):
			close(release)
			if <-closed == "" {
				t.Error("the token is not stored when the process ends")
			}
		}
		if _, _, err := r.beginExchange(r.Context(), "test"); !errors.Is(err, errEnding) {
			t.Errorf("got %v from a new exchange, want errEnding", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.wantSurvival()
	})
}

// The response is stored before aws-vault writes a log line, updates the index or makes another call.
func TestExchangeIsStoredFirst(t *testing.T) {
	eachExchange(t, allExchanges, func(t *testing.T, r *exchangeFixture) {
		before := r.refresh()
		var checked atomic.Int32
		check := func() {
			if r.exchanged() {
				checked.Add(1)
				if now := r.refresh(); now == "" || now == before {
					t.Errorf("a log line, message or call came before the response was stored")
				}
			}
		}
		r.Log = slog.New(watchingHandler{check})
		r.AWS.Log = r.Log
		r.Notify = func(string) { check() }
		show := r.User.Show
		r.User.Show = func(m string) { check(); show(m) }
		if err := r.exchange(t.Context()); err != nil {
			t.Fatal(err)
		}
		if checked.Load() == 0 {
			t.Error("no log line, message or call came after the exchange, so the test proves nothing")
		}
		r.Log, r.AWS.Log = nil, nil
		r.wantSurvival()
	})
}

// watchingHandler is a log handler that calls a function for each line.
type watchingHandler struct{ onRecord func() }

func (w watchingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (w watchingHandler) Handle(context.Context, slog.Record) error { w.onRecord(); return nil }
func (w watchingHandler) WithAttrs([]slog.Attr) slog.Handler        { return w }
func (w watchingHandler) WithGroup(string) slog.Handler             { return w }

var errKilled = errors.New("signal: killed")

// If the keystore fails during or after the exchange, the sign-in is not lost.
func TestExchangeKeepsTokenIfKeystoreFails(t *testing.T) {
	for name, put := range map[string]func(ctx context.Context, nth int) error{
		"its program fails":           func(context.Context, int) error { return errKilled },
		"its program is killed, once": func(_ context.Context, nth int) error { return map[int]error{1: errKilled}[nth] },
		"its program hangs": func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachExchange(t, withProgram, func(t *testing.T, r *exchangeFixture) {
				failed := 0
				r.ring.BeforePut = func(ctx context.Context, it keystore.Item) (keystore.Item, error) {
					if it.Name != string(r.name) || !r.exchanged() {
						return it, nil
					}
					failed++
					return it, put(ctx, failed)
				}
				if err := r.exchange(t.Context()); err != nil {
					t.Errorf("the exchange fails: %v", err)
				}
				if failed == 0 {
					t.Error("the keystore was not written, so it could not fail")
				}
				if told := strings.Join(r.notes, "\n"); !strings.Contains(told, "the token is stored encrypted in ") && name != "its program is killed, once" {
					t.Errorf("the user sees the note %q", told)
				}
				r.noPlainText()
				r.ring.BeforePut = nil
				r.wantSurvival()
			})
		})
	}
}

// noPlainText checks that no file contains a token in plain text, and that only the owner can open the files.
func (r *exchangeFixture) noPlainText() {
	r.Helper()
	filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(text), "EXAMPLE") || strings.Contains(string(text), "refresh") {
			r.Errorf("%s contains a token in plain text, or cannot be read: %v", path, err)
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			r.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		return nil
	})
}

// The sign-in is not lost if the index fails or is locked by another process.
func TestExchangeKeepsTokenIfIndexFails(t *testing.T) {
	for _, locked := range []bool{false, true} {
		eachExchange(t, allExchanges, func(t *testing.T, r *exchangeFixture) {
			if r.remote {
				if err := r.tokens().Ring.(*store.Pending).Prepare(t.Context()); err != nil { // adds the key of the pending folder to the index
					t.Fatal(err)
				}
			}
			index := filepath.Join(r.dir, "sessions")
			if locked {
				_, lock, err := (&store.Locks{Dir: disk.NewFolder(filepath.Join(r.dir, "locks")), Now: r.aws.Now}).Named(t.Context(), "index", "a test")
				if err != nil {
					t.Fatal(err)
				}
				defer lock.Close()
			} else {
				os.Remove(index)
				if err := os.Mkdir(index, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.exchange(t.Context()); err != nil && r.renews {
				t.Error(err)
			}
			r.wantSurvival()
		})
	}
}

// If the keystore cannot be written, a refresh token is not sent. The exchange fails if a new sign-in is not
// possible either.
func TestExchangeWithoutKeystore(t *testing.T) {
	refusing := func(err error) func(*exchangeFixture) func() {
		return func(r *exchangeFixture) func() {
			r.ring.Errors["Put"] = err
			return func() { delete(r.ring.Errors, "Put") }
		}
	}
	for name, tt := range map[string]struct {
		about         func(string, bool) bool
		breakKeystore func(*exchangeFixture) (repair func())
	}{
		"the keystore is full":   {allExchanges, refusing(errors.New("disk full"))},
		"the keystore is locked": {allExchanges, refusing(keystore.ErrLocked)},
		"the folder cannot be written": {withProgram, func(r *exchangeFixture) func() {
			path := filepath.Join(r.dir, "pending")
			os.RemoveAll(path)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				r.Fatal(err)
			}
			return func() { os.Remove(path) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachExchange(t, tt.about, func(t *testing.T, r *exchangeFixture) {
				repair := tt.breakKeystore(r)
				r.User = User{} // no prompt is possible
				if err := r.exchange(t.Context()); err == nil {
					t.Error("the exchange succeeds, want an error")
				}
				if r.exchanged() {
					t.Error("a single-use token was sent although its response could not be stored")
				}
				if repair(); r.renews {
					r.wantSurvival()
				}
			})
		})
	}
}
