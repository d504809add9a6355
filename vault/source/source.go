// Package source creates credentials: it carries out one step of a plan, and signs the user in if the step
// requires it. Each kind of step has its own file. Package plan decides on the steps and their order. The caller
// caches the results and decides who may create them.
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

// Deps contains the dependencies of the sources. A field that no step uses may be nil. All steps that run at the
// same time share one Deps.
type Deps struct {
	AWS         *awsapi.Client                                                  // calls AWS; all sources use its clock
	Key         func(ctx context.Context, name string) (aws.Credentials, error) // returns the stored key with this name
	Static      func(profile string) (aws.Credentials, error)                   // returns the plain-text key of this profile
	Getenv      func(string) (string, bool)
	Ask         func(ctx context.Context, q Question) (string, error)    // prompts the user, or reads a device, for an MFA code
	RepeatsCode func(q Question) bool                                    // reports whether Ask reads a device that repeats its current code; nil if it never does
	Confirm     func(ctx context.Context, question string) (bool, error) // asks the user a yes-or-no question; nil if no prompt is possible
	Run         func(ctx context.Context, c Command) ([]byte, error)     // runs a shell command and returns its output
	Environ     func() []string                                          // variables that a credential_process may depend on, as NAME=VALUE; nil for none
	Open        func(path string) (io.ReadCloser, error)                 // opens a file that a profile names
	Sleep       func(ctx context.Context, d time.Duration) error         // waits, for example until a device shows the next MFA code
	Notify      func(message string)                                     // prints a note for the user; nil to print none
	Log         *slog.Logger                                             // debug log without secrets; nil for none
	LookupHost  func(ctx context.Context, host string) ([]string, error) // looks up the addresses of a host name; nil for the system's resolver
	Codes       *store.Codes                                             // records which MFA codes were sent
	Tokens      *store.Tokens                                            // stored sign-ins
	Cache       *store.SSOCache                                          // the AWS CLI's Identity Center tokens; nil to ignore them
	Logins      *store.LoginCache                                        // the AWS CLI's aws login sign-ins; nil to ignore them
	User        User                                                     // how to reach the user for a sign-in
	Card        Card                                                     // signs with a key on a card
	Identities  Identities                                               // signing keys of the user's identities
	Exchanges   *Exchanges                                               // token exchanges of this process; nil if the process may exit during an exchange
	NotifyDelay func(message string)                                     // if the user interrupts the program, prints what the program still waits for; nil to print nothing

	// CatchSignals is called before a token exchange. It is also called before a step that reads a metadata service,
	// because such a step may wait. After the call, a signal ends the program's context. CatchSignals is nil if the
	// caller handles signals.
	CatchSignals func()

	MaxCodes int      // how many MFA codes are tried for one call to AWS; 0 means three
	Callers  []string // profiles whose commands started this process

	lastOpenID lastToken // last ID token that this process received from an OIDC provider

	lock     sync.Mutex // guards the fields below
	notified map[string]bool
}

// A Question asks for the code of an MFA device.
type Question struct {
	Profile     string
	Serial      string
	Device      string // the profile's setting for the device, see plan.MFA
	RetryReason string // why another code is needed; empty the first time
}

// A Card is a function that calls the function use with the private key in a slot of a card, for example slot 9c.
// The parameter public is the public key of that private key. If the slot contains another private key, the signer
// that is passed to the function use must return an error.
type Card func(ctx context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error

// A Command is a shell command from the user's config file.
type Command struct {
	Line    string
	Profile string // profile that names the command; used to detect recursion
	Max     int64  // maximum number of bytes that the command may print
	Secrets bool   // whether the command inherits the credentials and passphrases in the environment of aws-vault
}

// Create carries out one step. The parameter before contains the credentials from the previous step; the first step
// ignores it. Errors contain no secret and are one line long. If AWS refuses, the error is an [*awsapi.APIError] or
// wraps one, as a [*CodeRefusedError] does. If ctx ends, Create returns the cause.
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
	return aws.Credentials{}, fmt.Errorf("unknown kind of step %q", s.Kind)
}

// CheckRecursion returns a [*RecursionError] if the profile's command has started this process, directly or through
// other programs. If this process ran the command again, the recursion would never end.
func (d *Deps) CheckRecursion(setting, profile string) error {
	if slices.Contains(d.Callers, profile) {
		return &RecursionError{Setting: setting, Profiles: slices.Concat(d.Callers, []string{profile})}
	}
	return nil
}

// run runs the command in a profile's setting.
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

// Target returns the region and endpoint for a call that belongs to no step.
func Target(c plan.Call) awsapi.Target {
	return awsapi.Target{Region: c.Region, Endpoint: awsapi.Endpoint(c.Endpoint)}
}

func target(s plan.Step) awsapi.Target {
	return awsapi.Target{Region: s.Region, Endpoint: awsapi.Endpoint(s.Endpoint)}
}

// STS returns the STS client for a call that belongs to no step.
func (d *Deps) STS(at plan.Call) awsapi.STS { return awsapi.STS{Client: d.AWS, Target: Target(at)} }

// sts returns the STS client for a step.
func sts(api *awsapi.Client, s plan.Step) awsapi.STS {
	return awsapi.STS{Client: api, Target: target(s)}
}

// PreloadRoots starts to load the trusted root certificates for the step's call, in the background. If loading
// fails, the call reports the error.
func (d *Deps) PreloadRoots(s plan.Step) {
	switch s.Kind {
	case plan.KindSessionToken, plan.KindAssumeRole, plan.KindFederationToken, plan.KindWebIdentity, plan.KindOIDC, plan.KindIdentity:
		sts(d.AWS, s).PreloadRoots()
	}
}

// notify prints a note for the user.
func (d *Deps) notify(message string) {
	if d.Notify != nil {
		d.Notify(message)
	}
}

// notifyOnce prints each note at most once per process.
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
