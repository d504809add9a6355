package run

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault/peer"
)

// An auditLog is a file with one line of JSON for each time that a server provided credentials. A nil auditLog writes
// nothing.
type auditLog struct {
	path string
	now  func() time.Time
	mu   sync.Mutex
	file *os.File
}

// An auditError reports that an audit file cannot be opened or written.
type auditError struct {
	path string
	err  error
}

func (e *auditError) Error() string { return fmt.Sprintf("audit file %s: %v", e.path, e.err) }

func (e *auditError) Unwrap() error { return e.err }

// openAudit opens an audit file for appending. It returns nil if path is empty.
func openAudit(a *app.App, path string) (*auditLog, error) {
	if path == "" {
		return nil, nil
	}
	path = a.Env.Path(path)
	f, err := openAuditFile(path)
	if err != nil {
		return nil, &auditError{path, err}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("it is a special file (%s), expected a regular file", info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, &auditError{path, err}
	}
	return &auditLog{path: path, now: a.Env.Now, file: f}, nil
}

// hook returns the function that a server calls when it provides credentials. If the auditLog is nil, hook returns nil.
func (u *auditLog) hook() func(server.AuditEvent) error {
	if u == nil {
		return nil
	}
	return u.write
}

// write appends one line to the file. It writes the line with a single system call, because other processes may append
// to the same file.
func (u *auditLog) write(h server.AuditEvent) error {
	line, err := json.Marshal(struct {
		Time    string       `json:"time"`
		Profile string       `json:"profile"`
		Role    string       `json:"role,omitempty"`
		Process peer.Process `json:"process,omitzero"`
		Expires string       `json:"expires"`
	}{u.now().UTC().Format(time.RFC3339), h.Profile, h.Role, h.Peer, h.Expires.UTC().Format(time.RFC3339)})
	if err != nil {
		return &auditError{u.path, err}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, err := u.file.Write(append(line, '\n')); err != nil {
		return &auditError{u.path, err}
	}
	return nil
}

// Close closes the audit file.
func (u *auditLog) Close() error {
	if u == nil {
		return nil
	}
	return u.file.Close()
}
