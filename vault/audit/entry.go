// Package audit records in a file each time that credentials are provided.
package audit

import (
	"time"

	"aws-vault/vault/partition"
	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
)

// Version is the version of the format. It changes only if a field is removed or changes its meaning.
const Version = 1

// An Entry is one line of an audit file: who received which credentials. It contains no secrets. Fields that are not
// known are omitted from the line.
type Entry struct {
	Version int    `json:"version"` // set by Log.Write
	Time    string `json:"time"`    // set by Log.Write

	Command  string       `json:"command"`            // the command of aws-vault, such as exec
	Profile  string       `json:"profile,omitempty"`  // empty for credentials from the environment
	Kind     plan.Kind    `json:"kind,omitempty"`     // what created the credentials
	Account  string       `json:"account,omitempty"`  // the number of the AWS account
	Role     string       `json:"role,omitempty"`     // the ARN of the role, or the name of an Identity Center role
	Session  string       `json:"session,omitempty"`  // the name of the role session or of the federated user
	Identity string       `json:"identity,omitempty"` // the ARN of the caller
	Agent    string       `json:"agent,omitempty"`    // the coding agent that runs aws-vault
	UID      *int         `json:"uid,omitempty"`      // the ID of the user who runs aws-vault; nil on Windows
	Process  peer.Process `json:"process,omitzero"`   // the program that receives the credentials
	Parent   peer.Process `json:"parent,omitzero"`    // the program that started aws-vault
	Expires  string       `json:"expires,omitempty"`
}

// SetPlan sets the fields that describe the credentials of a plan.
func (e *Entry) SetPlan(pl plan.Plan) {
	last := pl.Last()
	e.Profile, e.Kind = pl.Profile, last.Kind
	e.Account, e.Role, e.Session, e.Identity = "", "", "", ""
	switch spec := last.Spec.(type) {
	case plan.AssumeRole:
		e.Role, e.Session = spec.ARN, spec.SessionName
	case plan.WebIdentity:
		e.Role, e.Session = spec.ARN, spec.SessionName
	case plan.OIDCRole:
		e.Role, e.Session = spec.ARN, spec.SessionName
	case plan.IdentityRole:
		e.Role, e.Session = spec.ARN, spec.SessionName
	case plan.RolesAnywhere:
		e.Role, e.Session = spec.Role, spec.SessionName
	case plan.SSORole:
		e.Role, e.Account = spec.Role, spec.Account
	case plan.FederationToken:
		e.Session = spec.Name
	case plan.Login:
		e.Identity = spec.Session
	}
	if e.Account == "" {
		e.Account = partition.AccountOf(e.Role + e.Identity)
	}
}

// SetExpiry sets the time at which the credentials expire. A zero time means that they do not expire.
func (e *Entry) SetExpiry(t time.Time) {
	if e.Expires = ""; !t.IsZero() {
		e.Expires = formatTime(t)
	}
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
