package app

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// A Request describes how a command uses a profile. All commands that use a profile choose it, open the vault and
// create a plan. The fields contain what differs between these commands.
type Request struct {
	Verb  string // name of the command; other processes print the name while they wait for this process
	Flags *CredentialFlags
	For   plan.Purpose

	OfferProfiles    bool // whether the user picks a profile if the command line names none
	AllowEnvironment bool // whether the credentials in the environment are used if the command line names no profile
	ForProgram       bool // whether another program reads the output, so that prompts name that program
}

// A Task is a request for one profile. It contains the opened vault and the plan.
type Task struct {
	*Session
	Profile string // empty if the credentials in the environment are used
	Options plan.Options
	Plan    plan.Plan // set by MakePlan

	app    *App
	verb   string // name of the command
	flags  *CredentialFlags
	picked bool // whether the user picked the profile from a list
}

// Begin chooses the profile of a request and opens the vault for it. It reads the config files once.
func (a *App) Begin(ctx context.Context, r Request) (*Task, error) {
	config, in, err := a.ReadConfig(r.Flags.inputs())
	if err != nil {
		return nil, err
	}
	name := r.Flags.Profile
	if name == "" && !r.AllowEnvironment {
		if name, err = a.chooseProfile(ctx, config.Profiles(), r.OfferProfiles); err != nil {
			return nil, err
		}
	}
	s, err := a.openWith(ctx, strings.TrimSpace(r.Verb+" "+name), config, in, askOptions{forProgram: r.ForProgram, code: r.Flags.Code})
	if err != nil {
		return nil, err
	}
	return a.Task(s, r, name), nil
}

// Task returns the task for a profile in a session that is already open.
func (a *App) Task(s *Session, r Request, profile string) *Task {
	s.Source.User = a.Env.Person(r.Flags.SignIn)
	o := r.Flags.options(a)
	o.Purpose = r.For
	return &Task{Session: s, Profile: profile, Options: o, app: a, verb: r.Verb, flags: r.Flags, picked: r.Flags.Profile == ""}
}

// MakePlan creates the plan of the task and prints its notes.
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

// PrintNotes prints the notes of the plan to stderr.
func (t *Task) PrintNotes() {
	for _, n := range t.Plan.Notes {
		t.app.Note("%s", n)
	}
}

// Credentials carries out the plan. It returns credentials that are valid for at least the duration need.
func (t *Task) Credentials(ctx context.Context, need time.Duration) (aws.Credentials, error) {
	return t.Session.Credentials(ctx, t.Plan, t.Options, need)
}

// RecordUse records that the user used the profile, because the picker lists recently used profiles first. With
// --share-sso-token, RecordUse also shares the sign-in with the AWS CLI.
func (t *Task) RecordUse(ctx context.Context) error {
	if t.Profile != "" {
		t.app.noteUse(t.Profile, t.picked)
	}
	if t.flags.SignIn.Share {
		return t.app.share(ctx, t.Session, t.Plan)
	}
	return nil
}

// CanAskFor returns nil if a step of the task can prompt the user while a command uses the terminal. Otherwise it
// returns an error with the reason.
func (t *Task) CanAskFor(s plan.Step) error { return t.app.canAskFor(t.flags.SignIn, s) }
