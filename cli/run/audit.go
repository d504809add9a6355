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

// An audit is the file that says which credentials a server has handed out, one line of
// JSON each. A nil audit says nothing.
type auditLog struct {
	path string
	now  func() time.Time
	mu   sync.Mutex
	file *os.File
}

// An auditError is an audit file that cannot be written.
type auditError struct {
	path string
	err  error
}

func (e *auditError) Error() string { return fmt.Sprintf("audit file %s: %v", e.path, e.err) }

func (e *auditError) Unwrap() error { return e.err }

// openAudit opens the file to add to it. It returns nil for no file.
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
		err = fmt.Errorf("it is %s, want a file", info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, &auditError{path, err}
	}
	return &auditLog{path: path, now: a.Env.Now, file: f}, nil
}

// hook is what a server calls, or nil.
func (u *auditLog) hook() func(server.AuditEvent) error {
	if u == nil {
		return nil
	}
	return u.write
}

// write adds a line, whole or not at all: others may add to the file as well.
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

// Close closes the file.
func (u *auditLog) Close() error {
	if u == nil {
		return nil
	}
	return u.file.Close()
}
