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

// A room is a fake AWS and a Client that calls it. Nothing in it waits, and all that was said
// in it is searched for secrets in the end.
type room struct {
	*testing.T
	*Client
	aws   *fakeaws.AWS
	world fakeaws.World

	mu      sync.Mutex
	log     bytes.Buffer
	told    []string
	foreign []string // told of hosts that are not AWS's, as the fake is
	secrets []string
}

func newRoom(t *testing.T) *room {
	t.Helper()
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	start := time.Date(2030, 1, 2, 12, 0, 10, 0, time.UTC)
	fake.SetClock(func() time.Time { return start })
	r := &room{T: t, aws: fake, world: fake.Example()}
	r.Client = &Client{
		Network: &Network{Open: func(path string) (io.ReadCloser, error) { return os.Open(path) }},
		Sleep: func(_ context.Context, d time.Duration) error {
			fake.Advance(d)
			return nil
		},
		Tell: func(m string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if strings.HasPrefix(m, "calling ") {
				r.foreign = append(r.foreign, m)
				return
			}
			r.told = append(r.told, m)
		},
		Log:     slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Clock:   &Clock{Local: fake.Now},
		Backoff: func(int, error) time.Duration { return 0 },
		Timeout: 20 * time.Second,
	}
	r.keep(r.world.Key.Secret)
	t.Cleanup(func() {
		r.noSecret("log", r.log.String())
		r.noSecret("talk", strings.Join(append(r.told, r.foreign...), "\n"))
	})
	return r
}

// keep notes what must not be seen.
func (r *room) keep(secret string) string {
	r.secrets = append(r.secrets, secret)
	return secret
}

func (r *room) noSecret(where, text string) {
	r.Helper()
	for _, secret := range r.secrets {
		if strings.Contains(text, secret) {
			r.Errorf("%s holds the secret %q: %s", where, secret, text)
		}
	}
}

func (r *room) key() aws.Credentials {
	return aws.Credentials{AccessKeyID: r.world.Key.ID, SecretAccessKey: r.world.Key.Secret, AccountID: r.world.Account}
}

// A sample is a call that a test makes.
type sample struct {
	Target
	by   aws.Credentials
	call func(context.Context, STS, aws.Credentials) (aws.Credentials, error)
}

func (r *room) sample(call func(context.Context, STS, aws.Credentials) (aws.Credentials, error)) sample {
	return sample{Target{"eu-west-1", Endpoint{URL: r.aws.URL(), Origin: "~/.aws/config:3"}}, r.key(), call}
}

// readOnly is a call that is signed.
func (r *room) readOnly() sample {
	return r.sample(func(ctx context.Context, s STS, by aws.Credentials) (aws.Credentials, error) {
		return s.AssumeRole(ctx, by, RoleRequest{Role: r.world.ReadOnly, SessionName: "alice"}, MFA{})
	})
}

// webIdentity is a call that carries a token and is not signed.
func (r *room) webIdentity(token string) sample {
	return r.sample(func(ctx context.Context, s STS, _ aws.Credentials) (aws.Credentials, error) {
		return s.WebIdentity(ctx, token, RoleRequest{Role: "arn:aws:iam::123456789012:role/web", SessionName: "alice"})
	})
}

func (r *room) send(ctx context.Context, s sample) (aws.Credentials, error) {
	return s.call(ctx, STS{r.Client, s.Target}, s.by)
}

// make makes a call and wants it to succeed.
func (r *room) make(s sample) aws.Credentials {
	r.Helper()
	c, err := r.send(r.Context(), s)
	if err != nil {
		r.Fatalf("call failed: %v", err)
	}
	return c
}

// fail makes a call and returns the error that it has to end in, which must be one
// line without a secret.
func (r *room) fail(s sample) error {
	r.Helper()
	c, err := r.send(r.Context(), s)
	if err == nil {
		r.Fatal("call succeeded, want an error")
	}
	if c != (aws.Credentials{}) {
		r.Errorf("credentials came beside the error %v", err)
	}
	r.noSecret("error", err.Error())
	if strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' }) {
		r.Errorf("error is not one line: %q", err)
	}
	return err
}

// failAs is fail for an error of one type.
func failAs[E error](r *room, s sample) E {
	r.Helper()
	err := r.fail(s)
	var want E
	if !errors.As(err, &want) {
		r.Fatalf("got the error %T %v, want a %T", err, err, want)
	}
	return want
}

func (r *room) wantText(err error, words ...string) {
	r.Helper()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.Errorf("error is %q, want it to say %q", err, w)
		}
	}
}

func (r *room) wantCalls(n int) []fakeaws.Call {
	r.Helper()
	calls := r.aws.Calls()
	if len(calls) != n {
		r.Fatalf("%d calls, want %d:\n%s", len(calls), n, strings.Join(r.aws.Actions(), "\n"))
	}
	return calls
}

func (r *room) wantTold(want ...string) {
	r.Helper()
	if !slices.Equal(r.told, want) {
		r.Errorf("told %q, want %q", r.told, want)
	}
}
