package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

func (b *bencher) version() (figure, error) {
	t, err := b.race(b.runs, yes(), contender{"version", command(nil, b.program, "--version")})
	return figure{against(t["version"], t["true"]), ratio(t["version"], t["true"]) <= 4}, err
}

// exec is a run of true with credentials of a profile.
func (h *home) exec(profile string, flags ...string) contender {
	args := append(append([]string{"exec"}, flags...), profile, "--", truePath)
	return contender{"exec", func() *exec.Cmd { return h.command(args...) }}
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

// unlocked is warm with the sealed keystore, whose key waits in the system.
func unlocked(most float64) func(*bencher) (figure, error) {
	return func(b *bencher) (figure, error) {
		h, err := b.warmHome(plain, "alice", "AWS_VAULT_BACKEND=sealed", "AWS_VAULT_SEALED_PASSPHRASE=correct-horse")
		if err != nil {
			return figure{}, err
		}
		defer h.close()
		if err := h.run("", "unlock"); err != nil {
			return figure{}, err
		}
		defer h.run("", "lock")
		return b.warmAt(h, "alice", most)
	}
}

func (b *bencher) warmAt(h *home, profile string, most float64) (figure, error) {
	h.aws.Reset()
	t, err := b.race(b.runs, yes(), h.exec(profile))
	calls := len(h.aws.Calls())
	return figure{fmt.Sprintf("%s, %d calls", against(t["exec"], t["true"]), calls), calls == 0 && ratio(t["exec"], t["true"]) <= most}, err
}

func (b *bencher) parallel() (figure, error) {
	const at, each = 8, 60
	h, err := b.warmHome(plain, "alice")
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	errs := make([]error, at)
	var all sync.WaitGroup
	began := time.Now()
	for i := range errs {
		all.Go(func() {
			for range each {
				if errs[i] = h.command("export", "--format=json", "alice").Run(); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	rate := at * each / time.Since(began).Seconds()
	for _, e := range errs {
		if e != nil {
			return figure{}, e
		}
	}
	return figure{fmt.Sprintf("%.0f a second", rate), rate >= 450}, nil
}

// profiles measures exec among so many profiles.
func profiles(n int, most time.Duration) func(*bencher) (figure, error) {
	return func(b *bencher) (figure, error) {
		h, err := b.warmHome(plain+many(n), "alice")
		if err != nil {
			return figure{}, err
		}
		defer h.close()
		t, err := b.race(b.runs, yes(), h.exec("alice"))
		return figure{against(t["exec"], t["true"]), t["exec"] <= most}, err
	}
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
	t, err := b.race(b.runs, contender{"list", func() *exec.Cmd { return h.command("list") }})
	return figure{ms(t["list"]), t["list"] <= 40*time.Millisecond}, err
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
	errs := make([]error, 4)
	var all sync.WaitGroup
	for w := range errs {
		all.Go(func() {
			for i := w; i < sessions && errs[w] == nil; i += len(errs) {
				h.aws.AddRole(fmt.Sprintf("arn:aws:iam::123456789012:role/r%05d", i), trusting(h))
				errs[w] = h.command("export", "--format=json", fmt.Sprintf("p%05d", i)).Run()
			}
		})
	}
	all.Wait()
	for _, e := range errs {
		if e != nil {
			h.close()
			return nil, e
		}
	}
	return h, nil
}

func (b *bencher) completion() (figure, error) {
	h, err := b.newHome(plain + many(5_000))
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	t, err := b.race(b.runs, contender{"completion", func() *exec.Cmd { return h.command("--completion-bash", "exec", "") }})
	return figure{ms(t["completion"]), t["completion"] <= 20*time.Millisecond}, err
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
	return figure{fmt.Sprintf("%.1f MB", float64(kb)/1000), err == nil && kb <= 12_000}, err
}

func (b *bencher) size() (figure, error) {
	out := b.temp + "/aws-vault"
	c := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := c.CombinedOutput(); err != nil {
		return figure{}, fmt.Errorf("%w: %s", err, said)
	}
	info, err := os.Stat(out)
	if err != nil {
		return figure{}, err
	}
	return figure{strconv.FormatFloat(float64(info.Size())/1e6, 'f', 1, 64) + " MB", info.Size() <= 16e6}, nil
}
