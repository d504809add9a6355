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

// A trader is somebody who is about to trade a single-use code or token.
type trader struct {
	*room
	kept   *keystoretest.Ring
	dir    string
	remote bool        // the keystore is written through another program
	name   plan.Digest // of the token
	action string      // that the fake knows the trade by
	renews bool        // a refresh token is traded, and nobody is asked
	issuer *fakeaws.Issuer

	act   func(context.Context) error // makes the trade
	again func(context.Context) error // uses the sign-in
	lasts time.Duration               // how long that needs no renewal
}

// people are what the fake is asked by, or on behalf of, somebody who signs in.
var people = []string{"Authorize", "StartDeviceAuthorization", "LoginPage", "OpenIDAuthorize", "OpenIDDevice"}

// trades are the kinds of single-use codes and tokens that sign-ins are made of.
var trades = map[string]func(*testing.T) *trader{
	"Identity Center, refresh token": func(t *testing.T) *trader { return ssoTrader(t, true).renewing() },
	"Identity Center, device code":   func(t *testing.T) *trader { return ssoTrader(t, true) },
	"Identity Center, code":          func(t *testing.T) *trader { return ssoTrader(t, false) },
	"OIDC, refresh token":            func(t *testing.T) *trader { return openIDTrader(t, plan.FlowBrowser).renewing() },
	"OIDC, device code":              func(t *testing.T) *trader { return openIDTrader(t, plan.FlowDevice) },
	"OIDC, code":                     func(t *testing.T) *trader { return openIDTrader(t, plan.FlowBrowser) },
	"aws login, refresh token":       func(t *testing.T) *trader { return loginTrader(t).renewing() },
	"aws login, code":                loginTrader,
}

func ssoTrader(t *testing.T, device bool) *trader {
	r := newPortalRoom(t)
	r.Person.Device = device
	r.Person.Browse = func(page string) error {
		if !device {
			go loginRoom{r}.visit(page)
		}
		return nil
	}
	act := func(ctx context.Context) error {
		_, err := r.SSO(r.role().Endpoint, r.sso()).SignIn(ctx)
		return err
	}
	return &trader{room: r.room, kept: r.kept, name: r.sso().Token(), action: "CreateToken", act: act, again: act, lasts: 8 * time.Hour}
}

func openIDTrader(t *testing.T, flow string) *trader {
	r := newOpenIDRoom(t, alice)
	to := r.to()
	to.Flow = flow
	if flow == plan.FlowDevice {
		r.Person.Browse = nil
	}
	act := func(ctx context.Context) error {
		who, err := r.OpenID(to).SignIn(ctx)
		if err == nil && who.Subject != "alice" {
			t.Errorf("%q is signed in", who.Subject)
		}
		return err
	}
	return &trader{room: r.room, kept: r.kept, name: to.Token(), action: "OpenIDToken", act: act, again: act, lasts: time.Hour, issuer: r.issuer}
}

func loginTrader(t *testing.T) *trader {
	r := newLoginRoom(t)
	act := func(ctx context.Context) error {
		_, err := r.AWSLogin(r.login()).New(ctx, r.alice(), false)
		return err
	}
	again := func(ctx context.Context) error {
		spec := plan.Login{Session: r.alice()}
		var err error
		if spec.SignIn, err = r.LoginSignIn(ctx, spec); err != nil { // as it is planned
			return err
		}
		_, err = r.Make(ctx, r.step(plan.KindLogin, spec), r.key())
		return err
	}
	return &trader{
		room: r.room, kept: r.kept, name: plan.Login{Session: r.alice()}.Token(), action: "CreateOAuth2Token",
		act: act, again: again, lasts: 15 * time.Minute,
	}
}

// renewing has somebody signed in already, for so long that the refresh token is traded next.
func (r *trader) renewing() *trader {
	r.Helper()
	if err := r.act(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.aws.Advance(r.lasts)
	r.act, r.renews = r.again, true
	return r
}

// restart is another process, which has what lies on disk and in the keystore.
func (r *trader) restart() {
	r.aws.Reset()
	r.fresh.set("")
	r.Trades, r.Tokens = new(Trades), r.tokens()
}

func (r *trader) tokens() *store.Tokens {
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(r.dir, "locks")), Now: r.aws.Now}
	state := disk.NewFolder(r.dir)
	index := &store.Index{Dir: state, Locks: locks}
	t := &store.Tokens{Ring: r.kept, Locks: locks, Index: index, Now: r.aws.Now, WriteTime: 20 * time.Millisecond}
	if r.remote {
		t.Ring = &store.Pending{Ring: r.kept, Dir: state.Folder("pending"), Index: index, Now: r.aws.Now}
	}
	return t
}

// refresh is the refresh token that another process would find.
func (r *trader) refresh() string {
	var secret struct {
		Refresh string `json:"refresh_token"`
	}
	kept, _, err := r.tokens().Find(context.Background(), string(r.name))
	if err == nil && len(kept.Secret) > 0 {
		err = json.Unmarshal(kept.Secret, &secret)
	}
	if err != nil {
		r.Errorf("what is stored cannot be read: %v", err)
	}
	return secret.Refresh
}

// traded reports whether the trade was answered.
func (r *trader) traded() bool {
	return slices.ContainsFunc(r.aws.Calls(), func(c fakeaws.Call) bool { return c.Action == r.action && c.Status == 200 })
}

// asked are the calls of the last process for which somebody had to sign in.
func (r *trader) asked() (all []string) {
	for _, c := range r.aws.Calls() {
		if slices.Contains(people, c.Action) {
			all = append(all, c.Action)
		}
	}
	return all
}

// survives has another process renew the sign-in, twice, without anybody being asked.
func (r *trader) survives() {
	r.Helper()
	for range 2 {
		r.restart()
		r.aws.Advance(r.lasts)
		if err := r.again(r.Context()); err != nil {
			r.Errorf("the next run fails: %v", err)
		}
		if asked := r.asked(); asked != nil {
			r.Errorf("the next run has somebody sign in: %q", asked)
		}
	}
	if held, _ := filepath.Glob(filepath.Join(r.dir, "pending", "*")); len(held) > 0 {
		r.Errorf("left beside the keystore: %q", held)
	}
}

// Which of the trades a test is about.
func every(string, bool) bool                   { return true }
func renewals(kind string, _ bool) bool         { return strings.Contains(kind, "refresh") }
func withProgram(_ string, remote bool) bool    { return remote }
func ofOpenID(kind string, _ bool) bool         { return strings.HasPrefix(kind, "OIDC") }
func renewalsOfOpenID(kind string, r bool) bool { return ofOpenID(kind, r) && renewals(kind, r) }

// eachTrade runs a test for those kinds of trades, with a keystore of each of the two kinds.
func eachTrade(t *testing.T, about func(kind string, remote bool) bool, test func(*testing.T, *trader)) {
	for kind, begin := range trades {
		for place, remote := range map[string]bool{"file": false, "program": true} {
			if !about(kind, remote) {
				continue
			}
			t.Run(kind+", "+place, func(t *testing.T) {
				r := begin(t)
				r.remote, r.dir = remote, t.TempDir()
				r.restart()
				test(t, r)
			})
		}
	}
}

// A signal that comes while the answer is on its way does not lose it.
func TestTradeIsInterrupted(t *testing.T) {
	eachTrade(t, every, func(t *testing.T, r *trader) {
		gate := make(chan struct{})
		r.aws.Fail(fakeaws.Fault{Action: r.action, Late: gate}) // the token is spent by now
		delayed := make(chan string, 1)
		r.Delayed = func(m string) { delayed <- m }
		ctx, signal := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.act(ctx) }()
		if err := r.aws.Await(t.Context(), r.action, 1); err != nil {
			t.Fatal(err)
		}
		signal()
		if m := <-delayed; !strings.Contains(m, "so that the sign-in is not lost") {
			t.Errorf("the user is told %q", m)
		}
		close(gate)
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		r.survives()
	})
}

// A signal that comes before the trade leaves the token unused.
func TestTradeDoesNotBegin(t *testing.T) {
	eachTrade(t, renewals, func(t *testing.T, r *trader) {
		ctx, signal := context.WithCancel(t.Context())
		signal()
		if err := r.act(ctx); !errors.Is(err, context.Canceled) || r.traded() {
			t.Errorf("got %v, traded: %v", err, r.traded())
		}
		r.survives()
	})
}

// The process ends after the trade, and lets none begin.
func TestProcessWaitsForTrade(t *testing.T) {
	eachTrade(t, every, func(t *testing.T, r *trader) {
		gate := make(chan struct{})
		r.aws.Fail(fakeaws.Fault{Action: r.action, Late: gate})
		ended := make(chan error, 1)
		go func() { ended <- r.act(context.Background()) }()
		if err := r.aws.Await(t.Context(), r.action, 1); err != nil {
			t.Fatal(err)
		}
		closed := make(chan string)
		go func() {
			r.Trades.Close()
			closed <- r.refresh()
		}()
		select {
		case <-closed:
			t.Error("the process ends in the middle of a trade")
			close(gate)
		case <-time.After(20 * time.Millisecond):
			close(gate)
			if <-closed == "" {
				t.Error("nothing is stored when the process ends")
			}
		}
		if _, _, err := r.beginTrade(r.Context(), "nowhere"); !errors.Is(err, errEnding) {
			t.Errorf("another trade begins: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.survives()
	})
}

// Once the answer is there, it is stored before anything else is done: written to the log or the
// terminal, listed, or called.
func TestTradeIsStoredFirst(t *testing.T) {
	eachTrade(t, every, func(t *testing.T, r *trader) {
		before := r.refresh()
		var looked atomic.Int32
		look := func() {
			if r.traded() {
				looked.Add(1)
				if now := r.refresh(); now == "" || now == before {
					t.Errorf("something else is done before the answer is stored")
				}
			}
		}
		r.Log = slog.New(watching{look})
		r.AWS.Log = r.Log
		r.Tell = func(string) { look() }
		show := r.Person.Show
		r.Person.Show = func(m string) { look(); show(m) }
		if err := r.act(t.Context()); err != nil {
			t.Fatal(err)
		}
		if looked.Load() == 0 {
			t.Error("nothing was done after the trade, so that nothing is proved")
		}
		r.Log, r.AWS.Log = nil, nil
		r.survives()
	})
}

// watching is a log that looks around at each line.
type watching struct{ look func() }

func (w watching) Enabled(context.Context, slog.Level) bool  { return true }
func (w watching) Handle(context.Context, slog.Record) error { w.look(); return nil }
func (w watching) WithAttrs([]slog.Attr) slog.Handler        { return w }
func (w watching) WithGroup(string) slog.Handler             { return w }

var errKilled = errors.New("signal: killed")

// What happens to the keystore after the trade costs no sign-in.
func TestTradeOutlivesTheKeystore(t *testing.T) {
	for name, put := range map[string]func(ctx context.Context, nth int) error{
		"its program fails":           func(context.Context, int) error { return errKilled },
		"its program is killed, once": func(_ context.Context, nth int) error { return map[int]error{1: errKilled}[nth] },
		"its program hangs": func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachTrade(t, withProgram, func(t *testing.T, r *trader) {
				failed := 0
				r.kept.BeforePut = func(ctx context.Context, it keystore.Item) (keystore.Item, error) {
					if it.Name != string(r.name) || !r.traded() {
						return it, nil
					}
					failed++
					return it, put(ctx, failed)
				}
				if err := r.act(t.Context()); err != nil {
					t.Errorf("the sign-in is not used: %v", err)
				}
				if failed == 0 {
					t.Error("the keystore did not fail")
				}
				if told := strings.Join(r.told, "\n"); !strings.Contains(told, "the token is stored encrypted in ") && name != "its program is killed, once" {
					t.Errorf("the user is told %q", told)
				}
				r.noPlainText()
				r.kept.BeforePut = nil
				r.survives()
			})
		})
	}
}

// noPlainText looks for tokens in the files.
func (r *trader) noPlainText() {
	r.Helper()
	filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(text), "EXAMPLE") || strings.Contains(string(text), "refresh") {
			r.Errorf("%s holds plain text, %v", path, err)
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			r.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		return nil
	})
}

// The list of sessions may fail, or be locked by another process.
func TestTradeOutlivesTheList(t *testing.T) {
	for _, locked := range []bool{false, true} {
		eachTrade(t, every, func(t *testing.T, r *trader) {
			if r.remote {
				if err := r.tokens().Ring.(*store.Pending).Prepare(t.Context()); err != nil { // which lists its key
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
			if err := r.act(t.Context()); err != nil && r.renews {
				t.Error(err)
			}
			r.survives()
		})
	}
}

// A refresh token is not sent if what it is traded for cannot be stored. A sign-in is for this
// process then, or is refused before anybody is asked.
func TestTradeWithoutAPlace(t *testing.T) {
	refusing := func(err error) func(*trader) func() {
		return func(r *trader) func() {
			r.kept.Errors["Put"] = err
			return func() { delete(r.kept.Errors, "Put") }
		}
	}
	for name, place := range map[string]struct {
		about  func(string, bool) bool
		breaks func(*trader) (mends func())
	}{
		"the keystore is full":   {every, refusing(errors.New("disk full"))},
		"the keystore is locked": {every, refusing(keystore.ErrLocked)},
		"the folder cannot be written": {withProgram, func(r *trader) func() {
			path := filepath.Join(r.dir, "pending")
			os.RemoveAll(path)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				r.Fatal(err)
			}
			return func() { os.Remove(path) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachTrade(t, place.about, func(t *testing.T, r *trader) {
				mends := place.breaks(r)
				r.Person = Person{} // nobody can be asked
				if err := r.act(t.Context()); err == nil {
					t.Error("went on")
				}
				if r.traded() {
					t.Error("a single-use token was sent, and its answer could not be stored")
				}
				if mends(); r.renews {
					r.survives()
				}
			})
		})
	}
}
