package app

import (
	"os"

	"aws-vault/vault/audit"
	"aws-vault/vault/peer"
)

// An Auditor records in an audit file that a task provides credentials.
type Auditor struct {
	log   *audit.Log
	entry audit.Entry
}

// Auditor returns the Auditor for the file that --audit names. If the parameter file is empty, the setting audit of the
// task's plan names the file. If no file is named, the Auditor records nothing. Auditor returns an error if the file
// cannot be opened, so that commands fail before they prompt the user.
func (t *Task) Auditor(file string) (*Auditor, error) {
	if file == "" {
		file = t.Plan.Audit
	}
	u := &Auditor{log: audit.New(t.app.Env.Path(file), t.app.Env.Now)}
	if u.log == nil {
		return u, nil
	}
	u.entry = audit.Entry{Command: t.verb, Agent: t.app.Env.Agent().Name, Parent: peer.ProcessByPID(os.Getppid())}
	if uid := os.Getuid(); uid >= 0 {
		u.entry.UID = &uid
	}
	u.entry.SetPlan(t.Plan)
	return u, u.log.Check()
}

// Enabled reports whether there is an audit file.
func (u *Auditor) Enabled() bool { return u.log != nil }

// Record appends a line to the audit file. The function add adds facts to the entry, which describes the plan. If
// Record returns an error, the credentials must not be provided.
func (u *Auditor) Record(add func(*audit.Entry)) error {
	if u.log == nil {
		return nil
	}
	e := u.entry
	add(&e)
	return u.log.Write(e)
}
