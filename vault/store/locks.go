package store

import (
	"cmp"
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
	Dir        *disk.Folder // folder of the lock files; if nil, locks work within this process only
	Program    string       // this process's command, such as "aws-vault exec prod"; shown by waiting processes
	OnSlowWait func(Wait)   // called once for each wait of more than a second; may be nil
	Now        func() time.Time

	// MaxWait returns how long this process may wait for another process, or 0 for no limit. It is called only if a
	// wait takes more than a second. If MaxWait is nil, there is no limit.
	MaxWait func() time.Duration

	// CatchSignals is called before a lock is acquired, because the process may then wait or hold the lock
	// for a long time. See [aws-vault/cli/app.Env]. If CatchSignals is nil, the caller handles signals.
	CatchSignals func()

	// ParentLocks are the locks held by the processes that started this process and wait for it to end.
	ParentLocks []program.Lock

	slowAfter   time.Duration     // how long a wait may take before OnSlowWait is called; 0 means one second
	onWait      func(name string) // called at the start of each wait; used by tests
	local       localLocks
	memoryNotes memoryNotes // the notes of the locks; used if Dir is nil

	mu   sync.Mutex
	held map[*Lock]bool
}

// A Wait describes the lock that this process waits for.
type Wait struct {
	Process  int    // ID of the process that holds the lock; 0 if it is unknown
	Program  string // the command of that process
	Question string // what that process holds the lock for, or what it is prompting the user for
}

// A lock file is removed when it has not been used for unusedLockAge.
const unusedLockAge = 24 * time.Hour

// slowWaitAfter is how long a wait may take before OnSlowWait is called.
const slowWaitAfter = time.Second

// Session acquires the lock for creating the session with this ID. It waits until the lock is free. If ctx ends
// first, it returns the cause of ctx.
//
// It returns a [*LockOwnerError] if it waited for a process that then failed to create the session. Because of
// this error, the waiting processes do not repeat a prompt that the user cancelled. Session returns a
// [*DeadlockError] at once in two cases: the lock is already held for the work to which ctx belongs, or the lock
// is held by a process that waits for this process to end.
//
// All work under the lock must use the returned context. A program that is started with this context receives the
// list of held locks in its environment.
//
// It returns a [*LockTimeoutError] if the wait takes longer than MaxWait.
//
// Each session has its own lock file. A process that holds a session's lock acquires only the locks of the sessions,
// tokens and MFA devices that this session depends on, and locks with fixed names. Dependencies have no cycles, so two
// processes never wait for each other.
func (l *Locks) Session(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, sessionFile(id), question)
}

func sessionFile(id string) string { return "session-" + id }

// token acquires the lock of a token. It works like Session.
func (l *Locks) token(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, "token-"+id, question)
}

// device acquires the lock of an MFA device. It works like Session.
func (l *Locks) device(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, "device-"+id, question)
}

// Named acquires a lock that has one of the program's fixed names. It works like Session.
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
	// A failure from before the wait must be ignored. Comparing the IDs of the failures is not enough, because the
	// note may have been unreadable before the wait. So the time of the failure is compared too.
	if f := h.note.Failure; waited && f.ID != before.ID && !f.At.Before(began) {
		h.Close()
		return ctx, nil, &LockOwnerError{Process: f.Process, Text: f.Text, Cancelled: f.Cancelled}
	}
	h.note.Process, h.note.Program, h.note.Question = os.Getpid(), oneLine(l.Program), oneLine(question)
	h.writeNote()
	l.track(h)
	return program.WithLock(ctx, name), h, nil
}

// A DeadlockError reports that this process needs a lock that its own caller holds, while the caller waits for
// this process to end. Waiting for the lock would never end.
type DeadlockError struct {
	Question      string // what this process needs the lock for
	Program       string // the command of this process
	HolderProgram string // the command of the process that holds the lock
	HolderProcess int    // the ID of the process that holds the lock
}

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("%s needs a lock that the aws-vault process which started it holds (%s, process %d): %s", e.Program, e.HolderProgram, e.HolderProcess, e.Question)
}

// checkDeadlock returns a [*DeadlockError] if the lock is already held for the work to which ctx belongs, or if
// the lock is held by a process that waits for this process to end. That process may have released the lock after
// it started this process, so checkDeadlock reads the current holder from the lock's note.
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

// SetQuestion updates the note of every lock that this process holds. Processes that wait for one of these locks
// can then show what this process is prompting the user for.
func (l *Locks) SetQuestion(question string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.held {
		h.setQuestion(question)
	}
}

// readNote returns the last note that a holder of the lock wrote.
func (l *Locks) readNote(name string) note {
	if l.Dir == nil {
		return decodeNote(l.memoryNotes.note(name).ReadNote())
	}
	return decodeNote(l.Dir.ReadNote(name))
}

// tryAcquire acquires the lock if it is free. It returns nil if the lock is held.
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

// wait waits until the lock is free, and acquires it. If the wait is slow, OnSlowWait is called. If the wait takes
// longer than MaxWait, wait returns a [*LockTimeoutError].
func (l *Locks) wait(ctx context.Context, name string) (*Lock, error) {
	defer l.reportSlowWait(name)()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if l.MaxWait != nil {
		go l.limitWait(ctx, name, cancel)
	}
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

// A LockTimeoutError reports that this process waited too long for another process.
type LockTimeoutError struct {
	Wait
	After time.Duration
}

func (e *LockTimeoutError) Error() string {
	return fmt.Sprintf("waited %s for process %d (%s), which is busy with: %s", e.After, e.Process, e.Program, e.Question)
}

// limitWait ends a wait by calling cancel, if the wait takes longer than MaxWait. It returns when ctx ends.
func (l *Locks) limitWait(ctx context.Context, name string, cancel context.CancelCauseFunc) {
	elapses := func(d time.Duration) bool {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
	slow := cmp.Or(l.slowAfter, slowWaitAfter)
	if !elapses(slow) {
		return
	}
	if limit := l.MaxWait(); limit > 0 && elapses(max(0, limit-slow)) {
		n := l.readNote(name)
		cancel(&LockTimeoutError{Wait{n.Process, cmp.Or(n.Program, "another aws-vault"), n.Question}, limit})
	}
}

// reportSlowWait calls OnSlowWait if the wait takes too long. The returned function stop cancels the call. After
// stop has returned, OnSlowWait is not running and will not be called.
func (l *Locks) reportSlowWait(name string) (stop func()) {
	if l.OnSlowWait == nil {
		return func() {}
	}
	slow := cmp.Or(l.slowAfter, slowWaitAfter)
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

// A noteFile contains the note of a held lock. It is a [*disk.LockFile], or a note in memory if there is no
// folder.
type noteFile interface {
	ReadNote() ([]byte, error)
	WriteNote(note []byte) error
	Close() error
}

// A Lock is a lock that this process holds until it calls Close or Fail.
type Lock struct {
	file    noteFile
	release func() // releases the local lock, which excludes other goroutines of this process

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

// Fail releases the lock and passes the text of err to the processes that wait for the lock. The text must not
// contain secrets. The argument cancelled states whether the user cancelled a prompt.
func (h *Lock) Fail(now time.Time, err error, cancelled bool) error {
	text := err.Error()
	var other *LockOwnerError
	if errors.As(err, &other) {
		text = other.Text // report the original error, without the text that each waiting process adds
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

// writeNote writes the note to the lock file. It ignores errors, for example of a full disk, because the lock
// works without a note.
func (h *Lock) writeNote() {
	if raw := h.note.encode(); raw != nil {
		h.file.WriteNote(raw)
	}
}

// sweep removes the lock files of sessions, tokens and devices that have not been used for a day, including lock files
// of older versions. Each session, token and device has its own lock file, so without sweep their number would grow
// without limit.
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
		// The modification time of a lock file is the time when its last note was written.
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > unusedLockAge {
			l.Dir.RemoveLock(f.Name())
		}
	}
}
