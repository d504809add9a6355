// Package testvault provides a vault in memory that is connected to a fake AWS. The tests of several
// packages use it.
package testvault

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

const (
	MFA      = "mfa_serial = arn:aws:iam::123456789012:mfa/alice\n"
	OtherMFA = "mfa_serial = arn:aws:iam::123456789012:mfa/other\n"
	Hub      = "role_arn = arn:aws:iam::123456789012:role/hub\n"
	Prod     = "role_arn = arn:aws:iam::210987654321:role/prod\n"
	Readonly = "role_arn = arn:aws:iam::123456789012:role/readonly\n"
	Long     = "role_arn = arn:aws:iam::123456789012:role/long\n"
	SourceM  = "source_profile = m\n"
)

// A World is a vault and the fake AWS that the vault calls. It records prompts, notes and warnings.
type World struct {
	*vault.Vault
	fakeaws.World
	AWS         *fakeaws.AWS
	Ring        *keystoretest.Ring
	SessionRing *keystoretest.Ring
	Env         map[string]string
	Prompts     int
	Notes       []string
	Warnings    []error
	ClockOffset time.Duration

	SignInIndex string // the directory of the index of sign-ins; empty if there is no index
}

var ErrNoUser = errors.New("no user to prompt")

func New(t *testing.T, config string) *World {
	t.Helper()
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &World{AWS: fake, World: fake.Example(), Ring: keystoretest.New(), SessionRing: keystoretest.New(), Env: map[string]string{"AWS_ENDPOINT_URL": fake.URL()}}
	file, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	now := func() time.Time { return time.Now().Add(w.ClockOffset) }
	getenv := func(name string) (string, bool) { v, ok := w.Env[name]; return v, ok }
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Program: "aws-vault test", Now: now}
	open := func(path string) (io.ReadCloser, error) { return disk.Open(path) }
	tell := func(m string) { w.Notes = append(w.Notes, m) }
	keys := &store.Keys{Ring: w.Ring, Dir: disk.NewFolder(filepath.Join(dir, "generations"))}
	w.Vault = &vault.Vault{
		Config: file, Inputs: profile.Inputs{Env: getenv}, Open: open,
		Warn: func(err error) { w.Warnings = append(w.Warnings, err) },
		Keys: keys,
		Sessions: &store.Sessions{Ring: w.SessionRing, Locks: locks, Now: now,
			Index: &store.Index{Dir: disk.NewFolder(filepath.Join(dir, "index")), Locks: locks}},
		Source: &source.Deps{
			AWS: &awsapi.Client{
				Clock: &awsapi.Clock{Local: now}, Timeout: 10 * time.Second, Network: &awsapi.Network{Open: open},
				Sleep: func(context.Context, time.Duration) error { return nil }, Notify: tell,
			},
			Key:    keys.Key,
			Static: func(name string) (aws.Credentials, error) { return vault.StaticKey(w.Config, w.Inputs, name) },
			Getenv: getenv, Open: open, Log: slog.New(slog.DiscardHandler), Codes: &store.Codes{Dir: disk.NewFolder(filepath.Join(dir, "codes")), Locks: locks},
			Sleep:  func(context.Context, time.Duration) error { return nil },
			Notify: tell,
			Ask: func(_ context.Context, q source.Question) (string, error) {
				if w.Prompts++; q.Serial != w.MFA.Serial() {
					return "", ErrNoUser
				}
				return w.MFA.Code(), nil
			},
			Run: func(_ context.Context, c source.Command) ([]byte, error) { return []byte(w.Env[c.Line]), nil },
		},
	}
	return w
}

// StoreKey stores alice's access key in the vault under the given name.
func (w *World) StoreKey(t *testing.T, name string) {
	t.Helper()
	if err := w.Keys.Put(t.Context(), name, aws.Credentials{AccessKeyID: w.Key.ID, SecretAccessKey: w.Key.Secret}); err != nil {
		t.Fatal(err)
	}
}

// Create creates credentials for a profile. The credentials are valid for at least five minutes.
func (w *World) Create(t *testing.T, name string, o plan.Options) (aws.Credentials, error) {
	t.Helper()
	if o.SessionName == "" {
		o.SessionName = "aws-vault-alice"
	}
	pl, err := w.Plan(t.Context(), name, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	return w.Credentials(t.Context(), pl, o, 5*time.Minute)
}

// Calls returns the calls that AWS has received, and deletes them from the record. It leaves out the parts of calls
// that are the same in all tests.
func (w *World) Calls() []string {
	calls := slices.Clone(w.AWS.Actions())
	for i, c := range calls {
		calls[i] = strings.NewReplacer(" session=aws-vault-alice", "", "arn:aws:iam::123456789012:role/", "", "arn:aws:iam::210987654321:role/", "").Replace(c)
	}
	w.AWS.Reset()
	return calls
}
