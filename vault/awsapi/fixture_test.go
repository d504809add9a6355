package awsapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
)

// A fixture is a fake AWS and a Client that calls the fake. A wait of the Client takes no real time: it only
// advances the clock of the fake. At the end of the test, the fixture checks that the log and the notices contain
// no secret.
type fixture struct {
	*testing.T
	*Client
	aws   *fakeaws.AWS
	world fakeaws.World

	mu          sync.Mutex
	log         bytes.Buffer
	notices     []string
	hostNotices []string // notices about hosts that are not AWS's, such as the host of the fake
	secrets     []string
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
	r.Client = &Client{
		Network: &Network{Open: func(path string) (io.ReadCloser, error) { return os.Open(path) }},
		Sleep: func(_ context.Context, d time.Duration) error {
			fake.Advance(d)
			return nil
		},
		Notify: func(m string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if strings.HasPrefix(m, "calling ") {
				r.hostNotices = append(r.hostNotices, m)
				return
			}
			r.notices = append(r.notices, m)
		},
		Log:     slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Clock:   &Clock{Local: fake.Now},
		Backoff: func(int, error) time.Duration { return 0 },
		Timeout: 20 * time.Second,
	}
	r.addSecret(r.world.Key.Secret)
	t.Cleanup(func() {
		r.noSecret("log", r.log.String())
		r.noSecret("notices", strings.Join(append(r.notices, r.hostNotices...), "\n"))
	})
	return r
}

// addSecret records a text that must not be printed, and returns the text.
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

// A testCall is a call of STS, with its endpoint and its credentials.
type testCall struct {
	Target
	by   aws.Credentials
	call func(context.Context, STS, aws.Credentials) (aws.Credentials, error)
}

func (r *fixture) newTestCall(call func(context.Context, STS, aws.Credentials) (aws.Credentials, error)) testCall {
	return testCall{Target{"eu-west-1", Endpoint{URL: r.aws.URL(), Origin: "~/.aws/config:3"}}, r.key(), call}
}

// assumeReadOnly returns a signed call that assumes the read-only role.
func (r *fixture) assumeReadOnly() testCall {
	return r.newTestCall(func(ctx context.Context, s STS, by aws.Credentials) (aws.Credentials, error) {
		return s.AssumeRole(ctx, by, RoleRequest{Role: r.world.ReadOnly, SessionName: "alice"}, MFA{})
	})
}

// webIdentity returns an unsigned call that assumes a role with a web identity token.
func (r *fixture) webIdentity(token string) testCall {
	return r.newTestCall(func(ctx context.Context, s STS, _ aws.Credentials) (aws.Credentials, error) {
		return s.WebIdentity(ctx, token, RoleRequest{Role: "arn:aws:iam::123456789012:role/web", SessionName: "alice"})
	})
}

func (r *fixture) send(ctx context.Context, s testCall) (aws.Credentials, error) {
	return s.call(ctx, STS{r.Client, s.Target}, s.by)
}

// mustSend makes a call, which must succeed.
func (r *fixture) mustSend(s testCall) aws.Credentials {
	r.Helper()
	c, err := r.send(r.Context(), s)
	if err != nil {
		r.Fatalf("call failed: %v", err)
	}
	return c
}

// sendFails makes a call, which must fail, and returns its error. The error must be one line without a secret.
func (r *fixture) sendFails(s testCall) error {
	r.Helper()
	c, err := r.send(r.Context(), s)
	if err == nil {
		r.Fatal("call succeeded, want an error")
	}
	if c != (aws.Credentials{}) {
		r.Errorf("got credentials together with the error %v", err)
	}
	r.noSecret("error", err.Error())
	if strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' }) {
		r.Errorf("error has a control character: %q", err)
	}
	return err
}

// sendFailsAs is like sendFails for an error of type E.
func sendFailsAs[E error](r *fixture, s testCall) E {
	r.Helper()
	err := r.sendFails(s)
	var want E
	if !errors.As(err, &want) {
		r.Fatalf("got the error %T %v, want a %T", err, err, want)
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

func (r *fixture) wantNotices(want ...string) {
	r.Helper()
	if !slices.Equal(r.notices, want) {
		r.Errorf("notices are %q, want %q", r.notices, want)
	}
}
