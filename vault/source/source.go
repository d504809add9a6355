// Package source creates credentials: it carries out one step of a plan, and signs the user in where
// the step needs it. Each kind of step has a file of its own. What steps there are, and in what order, package plan has decided before; what
// is kept of their results, and who may make them, is the caller's business.
package source

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// Deps are what the sources need of the world. A function that no step of a plan calls
// may be nil. They are shared by all steps that run at the same time.
type Deps struct {
	AWS         *awsapi.Client                                                  // makes the calls; its clock is the clock of all sources
	Key         func(ctx context.Context, name string) (aws.Credentials, error) // the stored key of that name
	Static      func(profile string) (aws.Credentials, error)                   // the plain-text key of that profile
	Getenv      func(string) (string, bool)
	Ask         func(ctx context.Context, q Question) (string, error)    // a person, or a device, for a code
	RepeatsCode func(q Question) bool                                    // whether it is a device, which gives the same code until the next; nil for never
	Confirm     func(ctx context.Context, question string) (bool, error) // the user, with yes or no; nil to ask nobody
	Run         func(ctx context.Context, c Command) ([]byte, error)     // a shell; it returns what was printed
	Environ     func() []string                                          // the variables that a credential_process may go by, as NAME=VALUE; nil for none
	Open        func(path string) (io.ReadCloser, error)                 // a file that a profile names
	Sleep       func(ctx context.Context, d time.Duration) error         // until the next code
	Notify      func(message string)                                     // the user, on something they should know; nil to tell nobody
	Log         *slog.Logger                                             // of what was done, without secrets; nil for none
	LookupHost  func(ctx context.Context, host string) ([]string, error) // the addresses of a name; nil for the system's
	Codes       *store.Codes                                             // which codes were sent
	Tokens      *store.Tokens                                            // what sign-ins gave
	Cache       *store.SSOCache                                          // the AWS CLI's tokens; nil for none
	Logins      *store.LoginCache                                        // the AWS CLI's sign-ins; nil for none
	User        User                                                     // who signs in
	Card        Card                                                     // keys that cannot leave it
	Identities  Identities                                               // by which people say who they are
	Exchanges   *Exchanges                                               // of the process; nil where it may end in the middle of one
	NotifyDelay func(message string)                                     // the user who wants to end us, on what we still wait for; nil to tell nobody

	// CatchSignals is called before a trade, and before something is awaited for which no lock is taken, so
	// that from there on a signal ends the context of the program. Nil where signals are left to the caller.
	CatchSignals func()

	MaxCodes int      // how many codes are tried for one call; 0 for three
	Callers  []string // profiles whose commands have led to this process

	lastOpenID lastToken // of OpenID providers

	lock     sync.Mutex // guards what follows
	notified map[string]bool
}

// A Question is asked of whoever, or whatever, shows the codes of an MFA device.
type Question struct {
	Profile     string
	Serial      string
	Device      string // what the profile says shows them: see plan.MFA
	RetryReason string // why it is asked once more; empty the first time
}

// A Card uses the private key that a slot of a card holds, such as 9c, for as long as use
// runs. public is the key that a certificate names, which the slot's may turn out not to be.
type Card func(ctx context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error

// A Command is a line of a shell that the user's config names.
type Command struct {
	Line    string
	Profile string // whose setting it is, for the recursion guard
	Max     int64  // bytes that it may print
}

// Create carries out one step on the credentials of the step before it, which a first
// step does not look at. Its errors hold no secret and are one line long. AWS's refusal
// is an [*awsapi.APIError], or a [*CodeRefusedError] around one; see the other error types for
// what else can go wrong. Where ctx ends, its cause is returned.
func (d *Deps) Create(ctx context.Context, s plan.Step, before aws.Credentials) (aws.Credentials, error) {
	switch spec := s.Spec.(type) {
	case plan.StoredKey:
		return d.Key(ctx, spec.Name)
	case plan.StaticKey:
		return d.Static(s.Profile)
	case plan.CredentialSource:
		return ambientSource{d, s}.credentials(ctx, spec)
	case plan.Process:
		return d.process(ctx, s, spec)
	case plan.WebIdentity:
		return d.webIdentity(ctx, s, spec)
	case plan.OIDCRole:
		return d.OpenID(spec.OIDC).role(ctx, s, spec)
	case plan.IdentityRole:
		return identityRole{d, s, spec}.credentials(ctx)
	case plan.RolesAnywhere:
		return d.rolesAnywhere(ctx, s, spec)
	case plan.SSORole:
		return d.SSO(s.Endpoint, spec.SSO).role(ctx, spec)
	case plan.Login:
		return d.AWSLogin(s).credentials(ctx, spec)
	case plan.SessionToken:
		return d.sessionToken(ctx, s, before)
	case plan.AssumeRole:
		return d.assumeRole(ctx, s, spec, before)
	case plan.FederationToken:
		return federationToken(ctx, sts(d.AWS, s), s, spec, before)
	}
	return aws.Credentials{}, fmt.Errorf("no source carries out a step of kind %q", s.Kind)
}

// CheckRecursion returns a [*RecursionError] if the command that a profile's setting names must
// not be run here: it has led to this very process, and would again, without end.
func (d *Deps) CheckRecursion(setting, profile string) error {
	if slices.Contains(d.Callers, profile) {
		return &RecursionError{Setting: setting, Profiles: slices.Concat(d.Callers, []string{profile})}
	}
	return nil
}

// run runs the command of a profile's setting.
func (d *Deps) run(ctx context.Context, setting string, c Command) ([]byte, error) {
	if err := d.CheckRecursion(setting, c.Profile); err != nil {
		return nil, err
	}
	out, err := d.Run(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s of profile %s: %w", setting, c.Profile, err)
	}
	return out, nil
}

// Target is where a call goes that is not a step's.
func Target(c plan.Call) awsapi.Target {
	return awsapi.Target{Region: c.Region, Endpoint: awsapi.Endpoint(c.Endpoint)}
}

func target(s plan.Step) awsapi.Target {
	return awsapi.Target{Region: s.Region, Endpoint: awsapi.Endpoint(s.Endpoint)}
}

// STS is the Security Token Service where a call goes that is not a step's.
func (d *Deps) STS(at plan.Call) awsapi.STS { return awsapi.STS{Client: d.AWS, Target: Target(at)} }

// sts is that where a step calls it.
func sts(api *awsapi.Client, s plan.Step) awsapi.STS {
	return awsapi.STS{Client: api, Target: target(s)}
}

// PreloadRoots begins to read the roots that a call of the step will want, while the caller opens
// what signs it. What goes wrong is left to the call.
func (d *Deps) PreloadRoots(s plan.Step) {
	switch s.Kind {
	case plan.KindSessionToken, plan.KindAssumeRole, plan.KindFederationToken, plan.KindWebIdentity, plan.KindOIDC, plan.KindIdentity:
		sts(d.AWS, s).PreloadRoots()
	}
}

// notify tells the user something, if there is somebody to tell.
func (d *Deps) notify(message string) {
	if d.Notify != nil {
		d.Notify(message)
	}
}

// notifyOnce is for what stays true until the process ends.
func (d *Deps) notifyOnce(message string) {
	d.lock.Lock()
	known := d.notified[message]
	if d.notified == nil {
		d.notified = map[string]bool{}
	}
	d.notified[message] = true
	d.lock.Unlock()
	if !known {
		d.notify(message)
	}
}

func (d *Deps) debug(message string, facts ...any) {
	if d.Log != nil {
		d.Log.Debug(message, facts...)
	}
}

func (d *Deps) warn(warnings []error) {
	for _, w := range warnings {
		d.notifyOnce(w.Error())
	}
}
