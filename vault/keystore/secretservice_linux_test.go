package keystore

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"aws-vault/vault/disk"
)

func TestSecretService(t *testing.T) {
	for name, change := range map[string]func(*fakeSecrets){
		"encrypted":  func(*fakeSecrets) {},
		"plain":      func(s *fakeSecrets) { s.plainOnly = true },
		"no default": func(s *fakeSecrets) { s.noDefault = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeSecrets(t)
			change(s)
			logged := 0
			c := s.config(t)
			c.Debug = func(string, ...any) { logged++ }
			k := mustOpen(t, c)
			t.Run("keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{names: []string{"a/b", "50%"}}) })
			t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{private: true}) })
			s.with(func() {
				if s.sessions != 1 {
					t.Errorf("%d sessions were opened, want 1", s.sessions)
				}
			})
			if (logged > 0) != s.plainOnly {
				t.Errorf("%d lines were logged", logged)
			}
		})
	}
}

// TestSecretServiceCalls checks which bus calls a lookup needs, including the calls to connect.
func TestSecretServiceCalls(t *testing.T) {
	s := newFakeSecrets(t)
	mustPut(t, mustOpen(t, s.config(t)).Keys, testItem("prod"))
	s.called()
	wantItem(t, mustOpen(t, s.config(t)).Keys, testItem("prod"), ringTest{})
	calls := s.called()
	want := []string{"Hello", "NameHasOwner", "SearchItems", "OpenSession", "GetSecret"}
	for i, call := range calls {
		calls[i] = call[strings.LastIndexByte(call, '.')+1:]
	}
	if !slices.Equal(calls, want) {
		t.Errorf("a lookup calls %q, want %q", calls, want)
	}
}

// TestSecretServiceWarmCalls checks which bus calls a command with a cached session needs. The profile of the command
// has no key, but its source profile has a key.
func TestSecretServiceWarmCalls(t *testing.T) {
	s := newFakeSecrets(t)
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	mustPut(t, k.Private, testItem("session"))
	s.called()
	k = mustOpen(t, s.config(t))
	if _, err := k.Keys.Stamp(t.Context(), "role"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := k.Keys.Stamp(t.Context(), "prod"); err != nil {
		t.Error(err)
	}
	wantItem(t, k.Private, testItem("session"), ringTest{private: true})
	calls := s.called()
	for i, call := range calls {
		calls[i] = call[strings.LastIndexByte(call, '.')+1:]
	}
	want := []string{"Hello", "NameHasOwner", "SearchItems", "Get", "SearchItems", "GetAll", "SearchItems", "OpenSession", "GetSecret"}
	if !slices.Equal(calls, want) {
		t.Errorf("a command with a cached session calls %q, want %q", calls, want)
	}
}

func TestSecretServiceOtherCollections(t *testing.T) {
	s := newFakeSecrets(t)
	other := &fakeSecret{attributes: map[string]string{"profile": "prod"}, content: []byte("another program's")}
	s.with(func() { s.items[loginPath+"/9"] = other })
	k := mustOpen(t, s.config(t))
	if _, err := k.Keys.Item(t.Context(), "prod"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an item of another collection returned %v", err)
	}
	mustPut(t, k.Keys, testItem("dev"))
	mustPut(t, k.Private, testItem("session"))
	if names, err := k.Keys.Names(t.Context()); err != nil || !slices.Equal(names, []string{"dev"}) {
		t.Errorf("Names = %q, %v", names, err)
	}
	if names, err := k.Private.Names(t.Context()); err != nil || !slices.Equal(names, []string{PrivateName("session")}) {
		t.Errorf("private Names = %q, %v", names, err)
	}
	if err := k.Keys.Remove(t.Context(), "prod"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing another collection's item returned %v", err)
	}
	s.with(func() {
		if s.items[loginPath+"/9"] == nil {
			t.Error("another collection's item was removed")
		}
	})
}

// TestSecretServiceUnique adds items of another program with the same name but different attributes. CheckUnique
// must return an error only if the contents of the items differ.
func TestSecretServiceUnique(t *testing.T) {
	s := newFakeSecrets(t)
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	if err := CheckUnique(t.Context(), k.Keys, "prod"); err != nil {
		t.Errorf("one item: %v", err)
	}
	add := func(path dbus.ObjectPath, content []byte) {
		s.with(func() {
			s.items[path] = &fakeSecret{attributes: map[string]string{"profile": "prod", "xdg:schema": "another"}, content: content}
		})
	}
	copyOf := func() (content []byte) {
		s.with(func() {
			for _, it := range s.items {
				content = it.content
			}
		})
		return content
	}
	add(keysPath+"/98", copyOf())
	if err := CheckUnique(t.Context(), k.Keys, "prod"); err != nil {
		t.Errorf("two items with one content: %v", err)
	}
	add(keysPath+"/99", []byte("another key"))
	var several *DuplicateError
	if err := CheckUnique(t.Context(), k.Keys, "prod"); !errors.As(err, &several) || several.Items != 3 {
		t.Errorf("two contents: %v", err)
	}
}

const promptMethod = "org.freedesktop.Secret.Prompt.Prompt"

const keysPath = collectionPrefix + "awsvault"

func TestSecretServiceLocked(t *testing.T) {
	acts := map[string]func(context.Context, Ring) error{
		"Item":   func(ctx context.Context, r Ring) error { _, err := r.Item(ctx, "prod"); return err },
		"Put":    func(ctx context.Context, r Ring) error { return r.Put(ctx, testItem("prod")) },
		"Remove": func(ctx context.Context, r Ring) error { return r.Remove(ctx, "prod") },
		"Names":  func(ctx context.Context, r Ring) error { _, err := r.Names(ctx); return err },
		"Stamp":  func(ctx context.Context, r Ring) error { _, err := r.Stamp(ctx, "prod"); return err },
		"Check":  func(ctx context.Context, r Ring) error { return r.Check(ctx) },
	}
	for name, act := range acts {
		for _, hides := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := newFakeSecrets(t)
				k := mustOpen(t, s.config(t))
				mustPut(t, k.Keys, testItem("prod"))
				s.with(func() { s.locked[keysPath], s.hideLocked, s.dismiss = true, hides, true })
				var locked *LockedError
				if err := act(t.Context(), k.Keys); !errors.As(err, &locked) || !errors.Is(err, ErrLocked) {
					t.Errorf("dismissed: %v, want a *LockedError", err)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				gone := errors.New("the user canceled")
				s.with(func() {
					s.dismiss = false
					s.handlers[promptMethod] = func(busCall) ([]any, error) {
						cancel(gone)
						return nil, nil
					}
				})
				s.called()
				if err := act(ctx, k.Keys); !errors.Is(err, gone) {
					t.Errorf("unanswered: %v, want %v", err, gone)
				}
				if !slices.Contains(s.called(), "org.freedesktop.Secret.Prompt.Dismiss") {
					t.Error("the prompt was not dismissed")
				}
				s.with(func() { s.handlers[promptMethod] = s.promptUser })
				if err := act(t.Context(), k.Keys); err != nil {
					t.Errorf("unlocked: %v", err)
				}
			})
		}
	}
}

func TestSecretServiceLockedAgain(t *testing.T) {
	s := newFakeSecrets(t)
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	refused := answers(busErrorName("org.freedesktop.Secret.Error.IsLocked"))
	s.with(func() { s.handlers[itemInterface+".GetSecret"] = refused })
	if _, err := k.Keys.Item(t.Context(), "prod"); !errors.Is(err, ErrLocked) {
		t.Errorf("Item returned %v, want %v", err, ErrLocked)
	}
}

// TestSecretServicePrompts makes the service prompt for each creation and removal.
func TestSecretServicePrompts(t *testing.T) {
	s := newFakeSecrets(t)
	s.alwaysPrompt = true
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	wantItem(t, k.Keys, testItem("prod"), ringTest{})
	before, err := k.Keys.Stamp(t.Context(), "prod")
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, k.Keys, testItem("prod"))
	if after, err := k.Keys.Stamp(t.Context(), "prod"); err != nil || after == before {
		t.Errorf("the stamp after a second Put is %q, %v, want another than before", after, err)
	}
	s.with(func() { s.dismiss = true })
	if err := k.Keys.Remove(t.Context(), "prod"); !errors.Is(err, ErrLocked) {
		t.Errorf("a dismissed removal returned %v", err)
	}
	s.with(func() { s.dismiss = false })
	if err := k.Keys.Remove(t.Context(), "prod"); err != nil {
		t.Errorf("Remove: %v", err)
	}
	testMissing(t, k.Keys)
	if _, err := k.Keys.Item(t.Context(), "prod"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Item after Remove: %v", err)
	}
}

// TestSecretServiceRestarted makes the service forget the session, as a restart does. Each call after that must
// open a new session.
func TestSecretServiceRestarted(t *testing.T) {
	s := newFakeSecrets(t)
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	for range 2 {
		s.with(func() { s.session = &secretSession{path: "/session/of/another"} })
		wantItem(t, k.Keys, testItem("prod"), ringTest{})
	}
	s.with(func() {
		if s.sessions != 3 {
			t.Errorf("%d sessions were opened, want 3", s.sessions)
		}
	})
}

// TestSecretServiceReconnects closes the connection to the bus. The next call must connect again.
func TestSecretServiceReconnects(t *testing.T) {
	s := newFakeSecrets(t)
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	s.closeConnections()
	<-k.Keys.(*secretRing).service.bus.conn.Context().Done()
	wantItem(t, k.Keys, testItem("prod"), ringTest{})
}

func TestSecretServiceDamaged(t *testing.T) {
	s := newFakeSecrets(t)
	k := mustOpen(t, s.config(t))
	mustPut(t, k.Keys, testItem("prod"))
	s.with(func() {
		for _, it := range s.items {
			it.content = []byte(`{"Data":"` + testSecret)
		}
	})
	_, err := k.Keys.Item(t.Context(), "prod")
	var damaged *DamagedError
	if !errors.As(err, &damaged) || strings.Contains(err.Error(), testSecret) {
		t.Errorf("Item returned %v, want a *DamagedError without the secret", err)
	}
}

func TestSecretServiceUnavailable(t *testing.T) {
	dir := t.TempDir()
	noService := newFakeBus(t)
	for name, c := range map[string]Config{
		"no bus":        {},
		"no socket":     {Getenv: func(name string) (string, bool) { return dir, name == "XDG_RUNTIME_DIR" }},
		"dead socket":   {Getenv: busAt("unix:path=" + filepath.Join(dir, "gone"))},
		"autolaunch":    {Getenv: busAt("autolaunch:")},
		"odd transport": {Getenv: busAt("no-such-transport:")},
		"no service":    {Getenv: busAt(noService.address)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, backend := range []string{secretBackend, kwalletBackend} {
				c.Backend, c.State = backend, disk.NewFolder(dir)
				var unavailable *UnavailableError
				if _, err := Open(t.Context(), c); !errors.As(err, &unavailable) || unavailable.Backend != backend {
					t.Errorf("Open returned %v, want an *UnavailableError for %s", err, backend)
				}
			}
		})
	}
}

// TestSecretServiceStarts makes the bus start the service. The first attempt fails, and the second succeeds.
func TestSecretServiceStarts(t *testing.T) {
	s := newFakeSecrets(t)
	s.handle(map[string]func(busCall) ([]any, error){
		busName + ".NameHasOwner":         answers(nil, false),
		busName + ".ListActivatableNames": answers(nil, []string{serviceName}),
		busName + ".StartServiceByName":   answers(busErrorName("org.freedesktop.DBus.Error.Spawn.ChildExited")),
	})
	c := s.config(t)
	c.Backend = secretBackend
	var unavailable *UnavailableError
	if _, err := Open(t.Context(), c); !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "Spawn.ChildExited") {
		t.Errorf("a service that cannot start returned %v, want an *UnavailableError", err)
	}
	s.handle(map[string]func(busCall) ([]any, error){busName + ".StartServiceByName": answers(nil, uint32(1))})
	mustPut(t, mustOpen(t, c).Keys, testItem("prod"))
}

func TestSecretServiceSystemSocket(t *testing.T) {
	s := newFakeSecrets(t)
	dir := filepath.Dir(strings.TrimPrefix(s.address, "unix:path="))
	c := Config{State: disk.NewFolder(dir), Getenv: func(name string) (string, bool) { return dir, name == "XDG_RUNTIME_DIR" }}
	if k := mustOpen(t, c); k.Name != secretBackend {
		t.Errorf("opened %s, want %s", k.Name, secretBackend)
	}
}

// TestFileDoesNotUseBus checks that the file keystore does not connect to the session bus.
func TestFileDoesNotUseBus(t *testing.T) {
	s := newFakeSecrets(t)
	c := fileConfig(t, testPassphrase)
	c.Getenv = busAt(s.address)
	mustPut(t, mustOpen(t, c).Keys, testItem("prod"))
	if len(s.conns) != 0 || len(s.called()) != 0 {
		t.Error("the file keystore connected to the bus")
	}
}

// TestOpenDoesNotSkipSilentBus cancels the context while the bus does not respond. Open must return the error
// instead of skipping the Secret Service.
func TestOpenDoesNotSkipSilentBus(t *testing.T) {
	s := newFakeSecrets(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, method := range []string{".NameHasOwner", ".Hello"} {
		s.handle(map[string]func(busCall) ([]any, error){busName + method: func(busCall) ([]any, error) {
			cancel()
			return nil, errNoReply
		}})
		_, err := Open(ctx, s.config(t))
		var none *NoKeystoreError
		if !errors.Is(err, context.Canceled) || errors.As(err, &none) {
			t.Errorf("Open returned %v, want %v", err, context.Canceled)
		}
	}
}

func TestSecretSession(t *testing.T) {
	ours, theirs := newExchange(), newExchange()
	ourKey, err := ours.sharedKey(theirs.public.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	theirKey, err := theirs.sharedKey(ours.public.Bytes())
	if err != nil || !bytes.Equal(ourKey, theirKey) {
		t.Fatalf("the keys differ (%v)", err)
	}
	s := &secretSession{path: "/s", key: ourKey}
	for n := range 50 {
		content := bytes.Repeat([]byte{'x'}, n)
		w, err := s.seal(content)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := s.open(w); err != nil || !bytes.Equal(have, content) {
			t.Errorf("%d bytes became %q, %v", n, have, err)
		}
	}
	top := groupPrime().Bytes()
	top[len(top)-1]--
	for _, bad := range [][]byte{nil, {0}, {1}, top, groupPrime().Bytes(), make([]byte, groupSize+1)} {
		if _, err := ours.sharedKey(bad); !errors.Is(err, errBadExchange) {
			t.Errorf("the public key %.8x returned %v", bad, err)
		}
	}
}

func FuzzSecretSessionOpen(f *testing.F) {
	s := &secretSession{key: make([]byte, 16)}
	w, err := s.seal([]byte("content"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w.Parameters, w.Value)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, parameters, value []byte) {
		content, err := s.open(wireSecret{Parameters: parameters, Value: value})
		if err != nil && !errors.Is(err, errBadSecret) || len(content) > len(value) {
			t.Errorf("%d bytes from %d, %v", len(content), len(value), err)
		}
	})
}

func TestDecodePath(t *testing.T) {
	for path, want := range map[dbus.ObjectPath]string{
		"/a/awsvault": "/a/awsvault", "/a/aws_2dvault": "/a/aws-vault", "/a_": "/a_", "/a_2": "/a_2", "/a_zz": "/a_zz", "": "",
	} {
		if have := decodePath(path); have != want {
			t.Errorf("decodePath(%q) = %q, want %q", path, have, want)
		}
	}
}
