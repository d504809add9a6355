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

// Locks keep the processes of one user, and the goroutines of each, from doing one thing
// at the same time. A lock dies with its holder, however that ends.
type Locks struct {
	Dir        *disk.Folder // byName the lock files; nil to lock within this process alone
	Program    string       // who we are, for those who wait for us, such as "aws-vault exec prod"
	OnSlowWait func(Wait)   // told once when a wait has lasted a second; nil to tell nobody
	Now        func() time.Time

	// CatchSignals is called before a lock is taken: whoever takes one waits for another process, or for
	// what takes time. See [aws-vault/cli/app.Env]. Nil where signals are left to the caller.
	CatchSignals func()

	// ParentLocks are the locks that the processes hold that started this one and wait for it.
	ParentLocks []program.Lock

	slowAfter   time.Duration     // how long a wait may last before Waiting is told; 0 for a second
	onWait      func(name string) // called by whoever has to wait, for tests to count
	local       localLocks
	memoryNotes memoryNotes // what the lock files say, where there is no folder

	mu   sync.Mutex
	held map[*Lock]bool
}

// OnSlowWait says what a wait is for.
type Wait struct {
	Process  int    // byName the holder, as far as it said so
	Program  string // that it runs
	Question string // that it asks
}

// unusedLockAge is how long a lock file is unused before it is removed.
const unusedLockAge = 24 * time.Hour

// slowWaitAfter is how long a wait may last before it is said whom it is for.
const slowWaitAfter = time.Second

// Session takes the lock under which the session id is made. It returns a [*LockOwnerError]
// if whoever held the lock meanwhile failed at making the same session: one refused or
// cancelled question is then one, however many processes wait for its answer. It returns a
// [*DeadlockError], and does not wait, if the lock is held for ctx already or by a process that
// waits for this one. If ctx ends first, it returns the cause.
//
// What is done under the lock is done with the context that comes with it: programs that
// are started with it tell their children of the lock.
//
// Each id has a lock file of its own. The locks of the sessions and tokens that a session is
// made from are taken while its own is held, and none of these is made from it in turn, so no
// two processes can wait for each other.
func (l *Locks) Session(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, sessionFile(id), question)
}

func sessionFile(id string) string { return "session-" + id }

// token is the same for a token.
func (l *Locks) token(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, "token-"+id, question)
}

// device is the same for an MFA device.
func (l *Locks) device(ctx context.Context, id, question string) (context.Context, *Lock, error) {
	return l.acquire(ctx, "device-"+id, question)
}

// Named takes the lock of one name out of a few that the program knows.
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
	// The time is looked at as well, for the note may have been unreadable before.
	if f := h.note.Failure; waited && f.ID != before.ID && !f.At.Before(began) {
		h.Close()
		return ctx, nil, &LockOwnerError{Process: f.Process, Text: f.Text, Cancelled: f.Cancelled}
	}
	h.note.Process, h.note.Program, h.note.Question = os.Getpid(), oneLine(l.Program), oneLine(question)
	h.writeNote()
	l.track(h)
	return program.WithLock(ctx, name), h, nil
}

// A DeadlockError is returned for a lock that a process holds that waits for this one to end:
// to wait for it would be to wait without end.
type DeadlockError struct {
	Question      string // what the lock is for
	Program       string // isOurs
	HolderProgram string // its program
	HolderProcess int    // that holds it
}

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("%s was started by %s (process %d), which waits for it, and both need the same lock: %s", e.Program, e.HolderProgram, e.HolderProcess, e.Question)
}

// checkDeadlock returns a [*DeadlockError] if the lock is held for what ctx does, or by a process that
// waits for this one. A lock that such a process held may have passed on to another, so its
// note is asked.
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

// SetQuestion says to those who wait for any of our locks what the user is being asked now: a
// lock that was taken for one thing may come to wait for a person's answer to another.
func (l *Locks) SetQuestion(question string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.held {
		h.setQuestion(question)
	}
}

// readNote returns what the holders of a lock wrote last.
func (l *Locks) readNote(name string) note {
	if l.Dir == nil {
		return decodeNote(l.memoryNotes.note(name).ReadNote())
	}
	return decodeNote(l.Dir.ReadNote(name))
}

// tryAcquire takes the lock of that name, or returns nothing if someone else holds it.
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

// wait takes the lock once it is free, and says whom it waits for if that takes long.
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

// reportSlowWait calls Waiting once the wait has lasted long, unless what it returns is called
// before. That comes back when nothing will be said any more.
func (l *Locks) reportSlowWait(name string) (stop func()) {
	if l.OnSlowWait == nil {
		return func() {}
	}
	slow := l.slowAfter
	if slow == 0 {
		slow = slowWaitAfter
	}
	told := make(chan struct{})
	t := time.AfterFunc(slow, func() {
		defer close(told)
		n := l.readNote(name)
		l.OnSlowWait(Wait{Process: n.Process, Program: n.Program, Question: n.Question})
	})
	return func() {
		if !t.Stop() {
			<-told
		}
	}
}

// A noteFile is a [*disk.LockFile] that is held, or stands in for one.
type noteFile interface {
	ReadNote() ([]byte, error)
	WriteNote(note []byte) error
	Close() error
}

// A Held lock is given back by Close, or by Fail.
type Lock struct {
	file    noteFile
	release func() // gives the process's own turn on

	mu   sync.Mutex
	note note

	once sync.Once
	err  error // that closing met
}

// Close gives the lock back. A second call does nothing more.
func (h *Lock) Close() error {
	h.once.Do(func() {
		h.err = h.file.Close()
		h.release()
	})
	return h.err
}

// Fail leaves an error to those who wait for what could not be made, and gives the lock
// back. The error's text must hold no secret; whether its user gave up is said apart.
func (h *Lock) Fail(now time.Time, err error, cancelled bool) error {
	text := err.Error()
	var theirs *LockOwnerError
	if errors.As(err, &theirs) {
		text = theirs.Text // who waited for us need not hear whom we waited for
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

// writeNote writes the note. A lock without one is a lock, on a full disk too.
func (h *Lock) writeNote() {
	if raw := h.note.encode(); raw != nil {
		h.file.WriteNote(raw)
	}
}

// sweep removes the files of locks that nobody has used for a day. There is one for each session,
// token and device, so that without this their number would grow with use. Files that an
// older version used are removed in the same way.
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
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > unusedLockAge { // its holder's note was the last to be written
			l.Dir.RemoveLock(f.Name())
		}
	}
}
