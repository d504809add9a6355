package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// A fixture is a fake AWS and a Deps that calls it. Sleep returns at once. At the end of a test, all output is searched
// for secrets.
type fixture struct {
	*testing.T
	*Deps
	aws   *fakeaws.AWS
	world fakeaws.World

	mu            sync.Mutex
	log           bytes.Buffer
	notes         []string
	endpointNotes []string // notes about the endpoint of the fake AWS
	asked         []Question
	slept         []time.Duration
	secrets       []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	start := time.Date(2030, 1, 2, 12, 0, 10, 0, time.UTC)
	fake.SetClock(func() time.Time { return start })
	r := &fixture{T: t, aws: fake, world: fake.Example()}
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(t.TempDir(), "locks")), Now: time.Now}
	open := func(path string) (io.ReadCloser, error) { return os.Open(path) }
	sleep := func(_ context.Context, d time.Duration) error {
		r.slept = append(r.slept, d)
		fake.Advance(d)
		return nil
	}
	log := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.Deps = &Deps{
		AWS: &awsapi.Client{
			Clock: &awsapi.Clock{Local: fake.Now}, Timeout: 20 * time.Second, Sleep: sleep, Log: log,
			Network: &awsapi.Network{Open: open},
			Backoff: func(int, error) time.Duration { return 0 },
		},
		Getenv: func(string) (string, bool) { return "", false },
		Open:   open,
		Ask: func(_ context.Context, q Question) (string, error) {
			r.asked = append(r.asked, q)
			return r.nextCode(), nil
		},
		Sleep: sleep,
		Notify: func(m string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if strings.HasPrefix(m, "calling ") {
				r.endpointNotes = append(r.endpointNotes, m)
				return
			}
			r.notes = append(r.notes, m)
		},
		Log:   log,
		Codes: &store.Codes{Dir: disk.NewFolder(filepath.Join(t.TempDir(), "codes")), Locks: locks},
	}
	r.AWS.Notify = r.notify
	r.addSecret(r.world.Key.Secret)
	t.Cleanup(func() {
		r.noSecret("log", r.log.String())
		r.noSecret("notes", strings.Join(append(r.notes, r.endpointNotes...), "\n"))
	})
	return r
}

// nextCode advances AWS's clock by 30 s and returns the device's new code.
func (r *fixture) nextCode() string {
	r.aws.Advance(30 * time.Second)
	code := r.world.MFA.Code()
	r.addSecret(code)
	return code
}

// addSecret records a text that must not appear in any output.
func (r *fixture) addSecret(secret string) string {
	r.secrets = append(r.secrets, secret)
	return secret
}

func (r *fixture) noSecret(where, text string) {
	r.Helper()
	for _, secret := range r.secrets {
		if strings.Contains(text, secret) {
			r.Errorf("%s contains the secret %q: %s", where, secret, text)
		}
	}
}

func (r *fixture) key() aws.Credentials {
	return aws.Credentials{AccessKeyID: r.world.Key.ID, SecretAccessKey: r.world.Key.Secret, AccountID: r.world.Account}
}

func (r *fixture) step(kind plan.Kind, spec plan.Spec) plan.Step {
	return plan.Step{
		Kind: kind, Profile: "p", Region: "eu-west-1", Spec: spec,
		Endpoint: plan.Endpoint{URL: r.aws.URL(), Origin: "~/.aws/config:3"},
	}
}

func (r *fixture) readOnly() plan.Step {
	return r.step(plan.KindAssumeRole, plan.AssumeRole{ARN: r.world.ReadOnly, SessionName: "alice"})
}

// userSession returns a step that needs an MFA code.
func (r *fixture) userSession() plan.Step {
	s := r.step(plan.KindSessionToken, plan.SessionToken{})
	s.MFA.Serial = r.world.MFA.Serial()
	return s
}

// create carries out a step and fails the test on an error.
func (r *fixture) create(s plan.Step) aws.Credentials {
	r.Helper()
	c, err := r.execute(s)
	if err != nil {
		r.Fatalf("step failed: %v", err)
	}
	return c
}

// execute carries out a step with the current sign-in or the current certificate, as package vault does.
func (r *fixture) execute(s plan.Step) (aws.Credentials, error) {
	var err error
	switch spec := s.Spec.(type) {
	case plan.SSORole:
		if spec.SignIn, err = r.SSO(plan.Endpoint{}, spec.SSO).SignInID(r.Context()); err == nil {
			s.Spec = spec
			s.Spec, _, err = r.Identify(r.Context(), s)
		}
	case plan.Login:
		spec.SignIn, err = r.LoginSignInID(r.Context(), spec)
		s.Spec = spec
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	c, err := r.Create(r.Context(), s, r.key())
	var other *IdentityChangedError
	if (s.Kind == plan.KindSSO || s.Kind == plan.KindLogin || s.Kind == plan.KindRolesAnywhere) && errors.As(err, &other) {
		s.Spec = other.Spec
		c, err = r.Create(r.Context(), s, r.key())
	}
	return c, err
}

// fail carries out a step and returns its error, which must be one line without a secret.
func (r *fixture) fail(s plan.Step) error {
	r.Helper()
	c, err := r.execute(s)
	if err == nil {
		r.Fatal("step succeeded, want an error")
	}
	if c != (aws.Credentials{}) {
		r.Errorf("credentials were returned with the error %v", err)
	}
	r.noSecret("error", err.Error())
	if strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' }) {
		r.Errorf("error is not one line: %q", err)
	}
	return err
}

// failAs is like fail, but also checks that the error has the type E.
func failAs[E error](r *fixture, s plan.Step) E {
	r.Helper()
	err := r.fail(s)
	var want E
	if !errors.As(err, &want) {
		r.Fatalf("got error %T %v, want %T", err, err, want)
	}
	return want
}

func (r *fixture) wantText(err error, words ...string) {
	r.Helper()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.Errorf("error is %q, want it to contain %q", err, w)
		}
	}
}

func (r *fixture) wantCalls(n int) []fakeaws.Call {
	r.Helper()
	calls := r.aws.Calls()
	if len(calls) != n {
		r.Fatalf("%d calls, want %d:\n%s", len(calls), n, strings.Join(r.aws.Actions(), "\n"))
	}
	return calls
}

func (r *fixture) wantNotes(want ...string) {
	r.Helper()
	if !slices.Equal(r.notes, want) {
		r.Errorf("notes %q, want %q", r.notes, want)
	}
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestStoredAndStaticKeys(t *testing.T) {
	r := newFixture(t)
	r.Key = func(_ context.Context, name string) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "stored " + name}, nil
	}
	r.Static = func(profile string) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "static " + profile}, nil
	}
	if c := r.create(r.step(plan.KindStoredKey, plan.StoredKey{Name: "base"})); c.AccessKeyID != "stored base" {
		t.Errorf("got %q", c.AccessKeyID)
	}
	if c := r.create(r.step(plan.KindStaticKey, plan.StaticKey{})); c.AccessKeyID != "static p" {
		t.Errorf("got %q", c.AccessKeyID)
	}
	r.wantCalls(0)
}

func TestUnknownKindIsRefused(t *testing.T) {
	r := newFixture(t)
	r.wantText(r.fail(r.step(plan.KindSSO, nil)), "SSO role")
}

// Optional fields of Deps may be nil.
func TestDepsWithoutOptionalFields(t *testing.T) {
	r := newFixture(t)
	r.Notify, r.Deps.Log, r.AWS.Log, r.AWS.Backoff, r.AWS.Timeout = nil, nil, nil, nil, 0
	s := r.readOnly()
	s.Endpoint.URL = strings.Replace(s.Endpoint.URL, "127.0.0.1", "localhost", 1)
	r.create(s)
	if r.AWS.CallTimeout() != 30*time.Second {
		t.Errorf("the default timeout is %s, want 30s", r.AWS.CallTimeout())
	}
}

// Roots are preloaded only for TLS calls to STS.
func TestRootsArePreloaded(t *testing.T) {
	role, key := plan.AssumeRole{ARN: "arn:aws:iam::123456789012:role/r"}, plan.StoredKey{Name: "alice"}
	for name, c := range map[string]struct {
		step plan.Step
		want []string
	}{
		"STS":          {plan.Step{Kind: plan.KindAssumeRole, Region: "eu-west-1", Spec: role}, []string{"system.pem"}},
		"bundle":       {plan.Step{Kind: plan.KindAssumeRole, Region: "eu-west-1", Spec: role, Endpoint: plan.Endpoint{CABundle: "own.pem"}}, []string{"own.pem"}},
		"no TLS":       {plan.Step{Kind: plan.KindAssumeRole, Spec: role, Endpoint: plan.Endpoint{URL: "http://localhost:9"}}, nil},
		"a stored key": {plan.Step{Kind: plan.KindStoredKey, Spec: key}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var opened []string
				network := &awsapi.Network{Bundles: []string{"system.pem"}, Open: func(path string) (io.ReadCloser, error) {
					opened = append(opened, path)
					return nil, fs.ErrPermission
				}}
				d := &Deps{AWS: &awsapi.Client{Network: network}}
				d.PreloadRoots(c.step)
				synctest.Wait()
				if !slices.Equal(opened, c.want) {
					t.Errorf("opened %q, want %q", opened, c.want)
				}
			})
		})
	}
}

func TestRootsAreNotLoadedWithoutCall(t *testing.T) {
	r := newFixture(t)
	r.Open = func(path string) (io.ReadCloser, error) {
		t.Errorf("%s was opened", path)
		return nil, fs.ErrNotExist
	}
	r.AWS.Network.Open = r.Open
	s := r.printing(longTerm)
	s.Endpoint.CABundle = "roots.pem"
	r.create(s)
}
