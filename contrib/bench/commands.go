package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func (b *bencher) version() (figure, error) {
	f, _, err := b.beside(b.runs, process("--version", command(nil, b.program, "--version")))
	f.met = f.ofTrue <= 4
	return f, err
}

// exec is a run of true with credentials of a profile.
func (h *home) exec(profile string, flags ...string) contender {
	args := append(append([]string{"exec"}, flags...), profile, "--", truePath)
	return process("exec", func() *exec.Cmd { return h.command(args...) })
}

// warmHome is a home in which the session of a profile is kept.
func (b *bencher) warmHome(config, profile string, environ ...string) (*home, error) {
	h, err := b.newHome(config, environ...)
	if err != nil {
		return nil, err
	}
	if err = h.key("alice"); err == nil {
		err = h.run("", "exec", profile, "--", truePath)
	}
	if err != nil {
		h.close()
	}
	return h, err
}

// warm measures exec of a profile whose session is kept, and sees that nobody is called.
func warm(profile string, most float64, environ ...string) func(*bencher) (figure, error) {
	return func(b *bencher) (figure, error) {
		h, err := b.warmHome(plain, profile, environ...)
		if err != nil {
			return figure{}, err
		}
		defer h.close()
		return b.warmAt(h, profile, most)
	}
}

// sevenOfTrue is what aws-vault 7.2 takes with its file keystore, in the time of true.
const sevenOfTrue = 8.7

// unlocked is warm with the sealed keystore, whose key waits in the system.
func unlocked(most float64) func(*bencher) (figure, error) {
	return func(b *bencher) (figure, error) {
		h, err := b.warmHome(plain, "alice", "AWS_VAULT_BACKEND=sealed", "AWS_VAULT_SEALED_PASSPHRASE="+passphrase)
		if err != nil {
			return figure{}, err
		}
		defer h.close()
		defer h.lock() // also of an unlock that is stopped
		if err := h.run("", "unlock"); err != nil {
			return figure{}, err
		}
		f, err := b.warmAt(h, "alice", most)
		faster := sevenOfTrue / f.ofTrue
		f.here += fmt.Sprintf(", %.1f× faster than 7.2", faster)
		f.met = f.met && faster >= 1.6
		return f, err
	}
}

// lock takes the key from where it waits, also when everything is being stopped.
func (h *home) lock() {
	c := exec.CommandContext(context.WithoutCancel(h.b.ctx), h.b.program, "lock")
	c.Env = h.environ
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: the key of a store that is gone waits for eight hours, as lock failed:", err)
	}
}

func (b *bencher) warmAt(h *home, profile string, most float64) (figure, error) {
	h.aws.Reset()
	f, _, err := b.beside(b.runs, h.exec(profile))
	calls := len(h.aws.Calls())
	f.here += fmt.Sprintf(", %d calls", calls)
	f.met = calls == 0 && f.ofTrue <= most
	return f, err
}

func (b *bencher) parallel() (figure, error) {
	const each = 30
	h, err := b.warmHome(plain, "alice")
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	var rates []float64
	for range rounds {
		rate, err := h.eightAtATime(each)
		if err != nil {
			return figure{}, err
		}
		rates = append(rates, rate)
	}
	slices.Sort(rates)
	rate := rates[rounds/2]
	return figure{here: fmt.Sprintf("%.0f a second (%.0f–%.0f)", rate, rates[0], rates[rounds-1]), met: rate >= 450}, nil
}

// eightAtATime is how many exports a second eight make that run so many each.
func (h *home) eightAtATime(each int) (rate float64, err error) {
	errs := make([]error, 8)
	var all sync.WaitGroup
	began := time.Now()
	for i := range errs {
		all.Go(func() {
			for range each {
				if _, errs[i] = h.b.spawn(h.command("export", "--format=json", "alice")); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return float64(len(errs)*each) / time.Since(began).Seconds(), errors.Join(errs...)
}

// profiles measures exec among so many profiles.
func profiles(n int, most time.Duration) func(*bencher) (figure, error) {
	return func(b *bencher) (figure, error) {
		h, err := b.warmHome(plain+many(n), "alice")
		if err != nil {
			return figure{}, err
		}
		defer h.close()
		return b.within(h.exec("alice"), most)
	}
}

// within races a contender that may take so long.
func (b *bencher) within(c contender, most time.Duration) (figure, error) {
	f, _, err := b.beside(b.runs, c)
	f.met = f.took <= most
	return f, err
}

// many is a config of so many more profiles, a role each.
func many(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "\n[profile p%05d]\nregion = eu-west-1\nsource_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/r%05d\n", i, i)
	}
	return s.String()
}

func (b *bencher) list() (figure, error) {
	h, err := b.crowded(1_000, 1_000)
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	return b.within(h.list(), 40*time.Millisecond)
}

func (h *home) list() contender {
	return process("list", func() *exec.Cmd { return h.command("list") })
}

// crowded is a home with so many profiles, of which so many have a session.
func (b *bencher) crowded(profiles, sessions int) (*home, error) {
	h, err := b.newHome(plain + many(max(profiles, sessions)))
	if err != nil {
		return nil, err
	}
	if err := h.key("alice"); err != nil {
		h.close()
		return nil, err
	}
	err = h.together(sessions, func(i int) error {
		h.aws.AddRole(fmt.Sprintf("arn:aws:iam::123456789012:role/r%05d", i), trusting(h))
		return h.command("export", "--format=json", fmt.Sprintf("p%05d", i)).Run()
	})
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// together does something so many times, four at a time.
func (h *home) together(times int, do func(i int) error) error {
	errs := make([]error, 4)
	var all sync.WaitGroup
	for w := range errs {
		all.Go(func() {
			for i := w; i < times && errs[w] == nil; i += len(errs) {
				errs[w] = do(i)
			}
		})
	}
	all.Wait()
	// What is still on its way to the disk would slow what is measured next. A system without
	// the command takes its time.
	exec.CommandContext(h.b.ctx, "sync").Run()
	return errors.Join(errs...)
}

func (b *bencher) completion() (figure, error) {
	h, err := b.newHome(plain + many(5_000))
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	return b.within(process("completion", func() *exec.Cmd { return h.command("--completion-bash", "exec", "") }), 20*time.Millisecond)
}

// memory is that of export, which does all that exec does before it becomes the command.
func (b *bencher) memory() (figure, error) {
	h, err := b.warmHome(plain, "alice")
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	// What a process had at most begins with what its parent had, so that a small one starts it.
	out, err := command(h.environ, b.resident, b.program, "export", "--format=json", "alice")().Output()
	if err != nil {
		return figure{}, err
	}
	kb, err := strconv.Atoi(strings.TrimSpace(string(out)))
	return figure{here: fmt.Sprintf("%.1f MB", float64(kb)/1000), met: err == nil && kb <= 12_000}, err
}

func (b *bencher) size() (figure, error) {
	info, err := os.Stat(b.program)
	if err != nil {
		return figure{}, err
	}
	return figure{here: strconv.FormatFloat(float64(info.Size())/1e6, 'f', 1, 64) + " MB", met: info.Size() <= 16e6}, nil
}
