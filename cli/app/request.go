package app

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// A Request says what a command wants of a profile. Commands begin alike: a profile is chosen, the vault
// is opened, and a plan is made, which is then carried out or not. This is what they differ in.
type Request struct {
	Verb  string // the command, for the processes that wait for it
	Flags *CredentialFlags
	For   plan.Purpose

	OfferProfiles    bool // if no profile is named, the user is offered those that there are
	AllowEnvironment bool // if no profile is named, the credentials in the environment are meant
	ForProgram       bool // a program reads what is printed, and its user may not know why they are asked
}

// A Task is a request for one profile, with what it takes to answer it.
type Task struct {
	*Session
	Profile string // empty for the credentials in the environment
	Options plan.Options
	Plan    plan.Plan // once it is made

	app    *App
	flags  *CredentialFlags
	picked bool // the user chose the profile from a list
}

// Begin chooses the profile of a request and opens the vault for it. The config file is read once.
func (a *App) Begin(ctx context.Context, r Request) (*Task, error) {
	config, in, err := a.Env.ReadConfig(r.Flags.inputs())
	if err != nil {
		return nil, err
	}
	name := r.Flags.Profile
	if name == "" && !r.AllowEnvironment {
		if name, err = a.chooseProfile(ctx, config.Profiles(), r.OfferProfiles); err != nil {
			return nil, err
		}
	}
	s, err := a.openWith(ctx, strings.TrimSpace(r.Verb+" "+name), config, in, askOptions{r.ForProgram, r.Flags.Code})
	if err != nil {
		return nil, err
	}
	return a.Task(s, r, name), nil
}

// Task is a request for a profile in a session that is open already.
func (a *App) Task(s *Session, r Request, profile string) *Task {
	s.Source.User = a.Env.Person(r.Flags.SignIn)
	o := r.Flags.options(a)
	o.For = r.For
	return &Task{Session: s, Profile: profile, Options: o, app: a, flags: r.Flags, picked: r.Flags.Profile == ""}
}

// MakePlan plans the credentials of the task, and prints what the user should know of the plan.
func (t *Task) MakePlan(ctx context.Context) (err error) {
	if t.Profile == "" {
		t.Plan, err = t.PlanEnvironment(t.Options)
	} else {
		t.Plan, err = t.Session.Plan(ctx, t.Profile, t.Options)
	}
	if err != nil {
		return err
	}
	t.PrintNotes()
	return nil
}

// PrintNotes prints what the user should know of the plan.
func (t *Task) PrintNotes() {
	for _, n := range t.Plan.Notes {
		t.app.Note("%s", n)
	}
}

// Credentials carries the plan out.
func (t *Task) Credentials(ctx context.Context, need time.Duration) (aws.Credentials, error) {
	return t.Session.Credentials(ctx, t.Plan, t.Options, need)
}

// RecordUse remembers that the profile was used, for the next list, and shares the sign-in with other
// programs if --share-sso-token says so.
func (t *Task) RecordUse(ctx context.Context) error {
	if t.Profile != "" {
		t.app.noteUse(t.Profile, t.picked)
	}
	if t.flags.SignIn.Share {
		return t.app.share(ctx, t.Session, t.Plan)
	}
	return nil
}

// CanAskFor returns nil if a person can be asked what a step of the task asks while a command has the
// terminal, and otherwise why not.
func (t *Task) CanAskFor(s plan.Step) error { return t.app.canAskFor(t.flags.SignIn, s) }
