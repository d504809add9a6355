package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/program"
)

// Locks prevents the processes of one user, and the goroutines of each process, from doing the same work at
// the same time. The operating system releases a lock when the process that holds it ends.
type Locks struct {
	Dir        *disk.Folder // folder of the lock files; nil to lock within this process only
	Program    string       // this command, such as "aws-vault exec prod"; processes that wait for the lock show it
	OnSlowWait func(Wait)   // called once when a wait takes longer than a second; may be nil
	Now        func() time.Time

	// CatchSignals is called before a lock is acquired, because the process may then wait or hold the lock
	// for a long time. See [aws-vault/cli/app.Env]. Nil leaves signals to the caller.
	CatchSignals func()

	// ParentLocks are the locks held by the processes that started this one and wait for it to end.
	ParentLocks []program.Lock

	slowAfter   time.Duration     // how long a wait may take before OnSlowWait is called; 0 means one second
	onWait      func(name string) // called before each wait; tests count the calls
	local       localLocks
	memoryNotes memoryNotes // the lock notes if Dir is nil

	mu   sync.Mutex
	held map[*Lock]bool
}

// A Wait describes the lock that this process waits for.
type Wait struct {
	Process  int    // ID of the process that holds the lock; 0 if it is unknown
	Program  string // the command of that process
	Question string // what that process holds the lock for, or what it is prompting for
}

// unusedLockAge is the age at which an unused lock file is removed.
const unusedLockAge = 24 * time.Hour

// slowWaitAfter is how long a wait may take before OnSlowWait is called.
const slowWaitAfter = time.Second

// Session acquires the lock for creating the session with this ID. It waits for the lock until ctx ends, and
// then returns the cause.
//
// It returns a [*LockOwnerError] if the process that held the lock during the wait failed to create the same
// session. So a prompt that was refused or cancelled is not repeated by each waiting process. It returns a
// [*DeadlockError] at once if ctx, or a process that waits for this one, holds the lock already.
//
// Use the returned context for all work under the lock. A program that is started with it receives the list
// of held locks in its environment.
//
// Each session has its own lock file. While its lock is held, only the locks of sessions and tokens that it
// depends on are acquired. Dependencies have no cycles, so two processes cannot wait for each other.
func (l *Locks) Session(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, sessionFile(id), question)
}

func sessionFile(id string) string { return "session-" + id }

// token acquires the lock of a token, as Session does for a session.
func (l *Locks) token(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, "token-"+id, question)
}

// device acquires the lock of an MFA device, as Session does for a session.
func (l *Locks) device(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, "device-"+id, question)
}

// Named acquires a lock with one of the program's fixed names, as Session does for a session.
func (l *Locks) Named(ctx context.Context, name, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, name, question)
}

func (l *Locks) acquire(ctx context.Context, name, question string) (context.Context, *Lock, error) {
	if l.CatchSignals != nil {
		l.CatchSignals()
	}
	began, before := l.Now(), l.readNote(name).Failure
	h, err := l.tryAcquire(name)
	if err != nil {
		return ctx, nil, err
	}
	waited := h == nil
	if waited {
		if err := l.checkDeadlock(ctx, name, question); err != nil {
			return ctx, nil, err
		}
		if h, err = l.wait(ctx, name); err != nil {
			return ctx, nil, err
		}
	}
	h.note = decodeNote(h.file.ReadNote())
	// The time is compared too, because the note may have been unreadable before the wait.
	if f := h.note.Failure; waited && f.ID != before.ID && !f.At.Before(began) {
		h.Close()
		return ctx, nil, &LockOwnerError{Process: f.Process, Text: f.Text, Cancelled: f.Cancelled}
	}
	h.note.Process, h.note.Program, h.note.Question = os.Getpid(), oneLine(l.Program), oneLine(question)
	h.writeNote()
	l.track(h)
	return program.WithLock(ctx, name), h, nil
}

// A DeadlockError reports that this process needs a lock held by a process that waits for this one to end.
// Waiting for the lock would never end.
type DeadlockError struct {
	Question      string // what the lock is for
	Program       string // the command of this process
	HolderProgram string // the command of the process that holds the lock
	HolderProcess int    // the ID of the process that holds the lock
}

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("%s needs a lock that its caller holds (%s, process %d): %s", e.Program, e.HolderProgram, e.HolderProcess, e.Question)
}

// checkDeadlock returns a [*DeadlockError] if the lock is held for ctx, or by a process that waits for this
// one. It reads the current holder from the note of the lock, because such a process may have released the
// lock in the meantime.
func (l *Locks) checkDeadlock(ctx context.Context, name, question string) error {
	n := l.readNote(name)
	if slices.Contains(slices.Concat(l.ParentLocks, program.HeldLocks(ctx)), program.Lock{Process: n.Process, Name: name}) {
		return &DeadlockError{Question: oneLine(question), Program: oneLine(l.Program), HolderProgram: n.Program, HolderProcess: n.Process}
	}
	return nil
}

func (l *Locks) track(h *Lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[*Lock]bool{}
	}
	l.held[h] = true
	done := h.release
	h.release = func() {
		l.mu.Lock()
		delete(l.held, h)
		l.mu.Unlock()
		done()
	}
}

// SetQuestion updates the note of every lock that this process holds. Waiting processes then see what the
// user is being prompted for now.
func (l *Locks) SetQuestion(question string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.held {
		h.setQuestion(question)
	}
}

// readNote returns the last note written by a holder of the lock.
func (l *Locks) readNote(name string) note {
	if l.Dir == nil {
		return decodeNote(l.memoryNotes.note(name).ReadNote())
	}
	return decodeNote(l.Dir.ReadNote(name))
}

// tryAcquire acquires the lock if it is free. It returns nil if another holder has it.
func (l *Locks) tryAcquire(name string) (*Lock, error) {
	done, ok := l.local.tryLock(name)
	if !ok {
		return nil, nil
	}
	if l.Dir == nil {
		return &Lock{file: l.memoryNotes.note(name), release: done}, nil
	}
	f, held, err := l.Dir.TryLock(name)
	if err != nil || !held {
		done()
		return nil, err
	}
	return &Lock{file: f, release: done}, nil
}

// wait acquires the lock once it is free. It reports a slow wait.
func (l *Locks) wait(ctx context.Context, name string) (*Lock, error) {
	defer l.reportSlowWait(name)()
	if l.onWait != nil {
		l.onWait(name)
	}
	done, err := l.local.lock(ctx, name)
	if err != nil {
		return nil, err
	}
	if l.Dir == nil {
		return &Lock{file: l.memoryNotes.note(name), release: done}, nil
	}
	f, err := l.Dir.Lock(ctx, name)
	if err != nil {
		done()
		return nil, err
	}
	return &Lock{file: f, release: done}, nil
}

// reportSlowWait calls OnSlowWait when the wait has taken too long. Calling stop cancels this. After stop
// returns, OnSlowWait is not running and will not be called.
func (l *Locks) reportSlowWait(name string) (stop func()) {
	if l.OnSlowWait == nil {
		return func() {}
	}
	slow := l.slowAfter
	if slow == 0 {
		slow = slowWaitAfter
	}
	reported := make(chan struct{})
	t := time.AfterFunc(slow, func() {
		defer close(reported)
		n := l.readNote(name)
		l.OnSlowWait(Wait{Process: n.Process, Program: n.Program, Question: n.Question})
	})
	return func() {
		if !t.Stop() {
			<-reported
		}
	}
}

// A noteFile is a [*disk.LockFile] that is held, or its replacement in memory.
type noteFile interface {
	ReadNote() ([]byte, error)
	WriteNote(note []byte) error
	Close() error
}

// A Lock is a lock that this process holds until Close or Fail.
type Lock struct {
	file    noteFile
	release func() // releases the lock within this process

	mu   sync.Mutex
	note note

	once sync.Once
	err  error // the result of Close
}

// Close releases the lock. Further calls return the same result.
func (h *Lock) Close() error {
	h.once.Do(func() {
		h.err = h.file.Close()
		h.release()
	})
	return h.err
}

// Fail releases the lock and passes err to the processes that wait for it. The text of err must not contain
// secrets. The argument cancelled reports whether the user cancelled a prompt.
func (h *Lock) Fail(now time.Time, err error, cancelled bool) error {
	text := err.Error()
	var other *LockOwnerError
	if errors.As(err, &other) {
		text = other.Text // pass on the original error only
	}
	h.mu.Lock()
	h.note.Failure = failure{ID: rand.Text(), At: now, Process: os.Getpid(), Text: oneLine(text), Cancelled: cancelled}
	h.writeNote()
	h.mu.Unlock()
	return h.Close()
}

func (h *Lock) setQuestion(question string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note.Question = oneLine(question)
	h.writeNote()
}

// writeNote writes the note to the lock file. It ignores errors, because the lock works without a note, even
// on a full disk.
func (h *Lock) writeNote() {
	if raw := h.note.encode(); raw != nil {
		h.file.WriteNote(raw)
	}
}

// sweep removes lock files that have not been used for a day. There is one for each session, token and
// device, so their number would grow without limit. It also removes the lock files of older versions.
func (l *Locks) sweep(now time.Time) {
	files, err := l.Dir.Entries()
	if err != nil {
		return
	}
	for _, f := range files {
		kind, _, _ := strings.Cut(f.Name(), "-")
		if kind != "session" && kind != "token" && kind != "device" {
			continue
		}
		// The modification time is that of the last note.
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > unusedLockAge {
			l.Dir.RemoveLock(f.Name())
		}
	}
}
