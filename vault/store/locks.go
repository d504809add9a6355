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
	Dir     *disk.Folder  // of the lock files; nil to lock within this process alone
	Program string        // who we are, for those who wait for us, such as "aws-vault exec prod"
	Waiting func(Waiting) // told once when a wait has lasted a second; nil to tell nobody
	Now     func() time.Time

	// CatchSignals is called before a lock is taken: whoever takes one waits for another process, or for
	// what takes time. See [aws-vault/cli/app.Env]. Nil where signals are left to the caller.
	CatchSignals func()

	// Callers are the locks that the processes hold that started this one and wait for it.
	Callers []program.Lock

	slow  time.Duration     // how long a wait may last before Waiting is told; 0 for a second
	comes func(name string) // called by whoever has to wait, for tests to count
	turns turns
	notes notes // what the lock files say, where there is no folder

	mu   sync.Mutex
	held map[*Held]bool
}

// Waiting says what a wait is for.
type Waiting struct {
	Process  int    // of the holder, as far as it said so
	Program  string // that it runs
	Question string // that it asks
}

// idleLock is how long a lock file is unused before it is removed.
const idleLock = 24 * time.Hour

// slowWait is how long a wait may last before it is said whom it is for.
const slowWait = time.Second

// Session takes the lock under which the session id is made. It returns a [*MakerError]
// if whoever held the lock meanwhile failed at making the same session: one refused or
// cancelled question is then one, however many processes wait for its answer. It returns a
// [*CallerError], and does not wait, if the lock is held for ctx already or by a process that
// waits for this one. If ctx ends first, it returns the cause.
//
// What is done under the lock is done with the context that comes with it: programs that
// are started with it tell their children of the lock.
//
// Each id has a lock file of its own. The locks of the sessions and tokens that a session is
// made from are taken while its own is held, and none of these is made from it in turn, so no
// two processes can wait for each other.
func (l *Locks) Session(ctx context.Context, id, question string) (context.Context, *Held, error) {
	return l.take(ctx, sessionFile(id), question)
}

func sessionFile(id string) string { return "session-" + id }

// token is the same for a token.
func (l *Locks) token(ctx context.Context, id, question string) (context.Context, *Held, error) {
	return l.take(ctx, "token-"+id, question)
}

// device is the same for an MFA device.
func (l *Locks) device(ctx context.Context, id, question string) (context.Context, *Held, error) {
	return l.take(ctx, "device-"+id, question)
}

// Alone takes the lock of one name out of a few that the program knows.
func (l *Locks) Alone(ctx context.Context, name, question string) (context.Context, *Held, error) {
	return l.take(ctx, name, question)
}

func (l *Locks) take(ctx context.Context, name, question string) (context.Context, *Held, error) {
	if l.CatchSignals != nil {
		l.CatchSignals()
	}
	began, before := l.Now(), l.readNote(name).Failure
	h, err := l.try(name)
	if err != nil {
		return ctx, nil, err
	}
	waited := h == nil
	if waited {
		if err := l.heldByCaller(ctx, name, question); err != nil {
			return ctx, nil, err
		}
		if h, err = l.wait(ctx, name); err != nil {
			return ctx, nil, err
		}
	}
	h.note = decodeNote(h.file.ReadNote())
	// The time is looked at as well, for the note may have been unreadable before.
	if f := h.note.Failure; waited && f.Mark != before.Mark && !f.At.Before(began) {
		h.Close()
		return ctx, nil, &MakerError{Process: f.Process, Text: f.Text, Cancelled: f.Cancelled}
	}
	h.note.Process, h.note.Program, h.note.Question = os.Getpid(), brief(l.Program), brief(question)
	h.say()
	l.hold(h)
	return program.Holding(ctx, name), h, nil
}

// A CallerError is returned for a lock that a process holds that waits for this one to end:
// to wait for it would be to wait without end.
type CallerError struct {
	Question string // what the lock is for
	Program  string // ours
	Holder   string // its program
	Process  int    // that holds it
}

func (e *CallerError) Error() string {
	return fmt.Sprintf("%s was started by %s (process %d), which waits for it, and both need the same lock: %s", e.Program, e.Holder, e.Process, e.Question)
}

// heldByCaller returns a [*CallerError] if the lock is held for what ctx does, or by a process that
// waits for this one. A lock that such a process held may have passed on to another, so its
// note is asked.
func (l *Locks) heldByCaller(ctx context.Context, name, question string) error {
	n := l.readNote(name)
	if slices.Contains(slices.Concat(l.Callers, program.Held(ctx)), program.Lock{Process: n.Process, Name: name}) {
		return &CallerError{Question: brief(question), Program: brief(l.Program), Holder: n.Program, Process: n.Process}
	}
	return nil
}

func (l *Locks) hold(h *Held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[*Held]bool{}
	}
	l.held[h] = true
	done := h.done
	h.done = func() {
		l.mu.Lock()
		delete(l.held, h)
		l.mu.Unlock()
		done()
	}
}

// Asking says to those who wait for any of our locks what the user is being asked now: a
// lock that was taken for one thing may come to wait for a person's answer to another.
func (l *Locks) Asking(question string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.held {
		h.ask(question)
	}
}

// readNote returns what the holders of a lock wrote last.
func (l *Locks) readNote(name string) note {
	if l.Dir == nil {
		return decodeNote(l.notes.at(name).ReadNote())
	}
	return decodeNote(l.Dir.ReadNote(name))
}

// try takes the lock of that name, or returns nothing if someone else holds it.
func (l *Locks) try(name string) (*Held, error) {
	done, ok := l.turns.try(name)
	if !ok {
		return nil, nil
	}
	if l.Dir == nil {
		return &Held{file: l.notes.at(name), done: done}, nil
	}
	f, held, err := l.Dir.TryLock(name)
	if err != nil || !held {
		done()
		return nil, err
	}
	return &Held{file: f, done: done}, nil
}

// wait takes the lock once it is free, and says whom it waits for if that takes long.
func (l *Locks) wait(ctx context.Context, name string) (*Held, error) {
	defer l.tell(name)()
	if l.comes != nil {
		l.comes(name)
	}
	done, err := l.turns.take(ctx, name)
	if err != nil {
		return nil, err
	}
	if l.Dir == nil {
		return &Held{file: l.notes.at(name), done: done}, nil
	}
	f, err := l.Dir.Lock(ctx, name)
	if err != nil {
		done()
		return nil, err
	}
	return &Held{file: f, done: done}, nil
}

// tell calls Waiting once the wait has lasted long, unless what it returns is called
// before. That comes back when nothing will be said any more.
func (l *Locks) tell(name string) (stop func()) {
	if l.Waiting == nil {
		return func() {}
	}
	slow := l.slow
	if slow == 0 {
		slow = slowWait
	}
	told := make(chan struct{})
	t := time.AfterFunc(slow, func() {
		defer close(told)
		n := l.readNote(name)
		l.Waiting(Waiting{Process: n.Process, Program: n.Program, Question: n.Question})
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
type Held struct {
	file noteFile
	done func() // gives the process's own turn on

	mu   sync.Mutex
	note note

	once sync.Once
	err  error // that closing met
}

// Close gives the lock back. A second call does nothing more.
func (h *Held) Close() error {
	h.once.Do(func() {
		h.err = h.file.Close()
		h.done()
	})
	return h.err
}

// Fail leaves an error to those who wait for what could not be made, and gives the lock
// back. The error's text must hold no secret; whether its user gave up is said apart.
func (h *Held) Fail(now time.Time, err error, cancelled bool) error {
	text := err.Error()
	var theirs *MakerError
	if errors.As(err, &theirs) {
		text = theirs.Text // who waited for us need not hear whom we waited for
	}
	h.mu.Lock()
	h.note.Failure = failure{Mark: rand.Text(), At: now, Process: os.Getpid(), Text: brief(text), Cancelled: cancelled}
	h.say()
	h.mu.Unlock()
	return h.Close()
}

func (h *Held) ask(question string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note.Question = brief(question)
	h.say()
}

// say writes the note. A lock without one is a lock, on a full disk too.
func (h *Held) say() {
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
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > idleLock { // its holder's note was the last to be written
			l.Dir.RemoveLock(f.Name())
		}
	}
}
