package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// programs has the paths of the two measured programs and of a directory for temporary files.
type programs struct{ vault, floor, dir string }

// A result is what was measured for one row.
type result struct {
	row
	ours, floor times
	calls       int // number of calls to AWS, in all runs together
}

func (r result) ratio() float64 { return float64(r.ours.median()) / float64(r.floor.median()) }

// missed reports whether the row's command took longer than its bound allows.
func (r result) missed() bool { return r.bound > 0 && r.ratio() > r.bound }

// times contains the duration of each run of one program, sorted with the shortest first.
type times []time.Duration

func (t times) quartile(n int) time.Duration { return t[(len(t)-1)*n/4] }
func (t times) median() time.Duration        { return t.quartile(2) }

// measure runs the row's command and the floor program in turn, so that both run under the same load.
func measure(ctx context.Context, p programs, r row, runs int) (result, error) {
	if r.keystore == nil {
		r.keystore = fileKeystore
	}
	h, err := newHome(p, roles(r.profiles), r.keystore)
	if err != nil {
		return result{}, err
	}
	defer h.close()
	if r.prepare != nil {
		if err := r.prepare(h); err != nil {
			return result{}, err
		}
	}
	floorArgs := []string{h.config, truePath}
	if r.exits {
		floorArgs = nil
	}
	found := result{row: r}
	const warm = 2 // number of runs before the measurement; they create the session and fill the system's caches
	for i := range warm + runs {
		if i == warm {
			h.aws.Reset()
		}
		in := h
		if r.newSession {
			in = h.session(i)
		}
		floor, err := in.timed(p.floor, floorArgs)
		if err != nil {
			return result{}, err
		}
		ours, err := in.timed(p.vault, r.args)
		if err != nil {
			return result{}, err
		}
		if i >= warm {
			found.floor, found.ours = append(found.floor, floor), append(found.ours, ours)
		}
		if ctx.Err() != nil {
			return result{}, context.Cause(ctx)
		}
	}
	found.calls = len(h.aws.Calls())
	slices.Sort(found.ours)
	slices.Sort(found.floor)
	return found, nil
}

// timed runs a program and returns its duration. It does not use os/exec, because the time that os/exec needs for
// its pipes and goroutines would be measured too.
func (h home) timed(program string, args []string) (time.Duration, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	stderr, err := os.Create(filepath.Join(h.dir, "stderr"))
	if err != nil {
		return 0, err
	}
	defer stderr.Close()
	as := &os.ProcAttr{Dir: h.dir, Env: h.environ, Files: []*os.File{null, null, stderr}}
	argv := append([]string{program}, args...)
	began := time.Now()
	process, err := os.StartProcess(program, argv, as)
	if err != nil {
		return 0, err
	}
	state, err := process.Wait()
	took := time.Since(began)
	if err == nil && !state.Success() {
		text, _ := os.ReadFile(stderr.Name())
		err = fmt.Errorf("%q: %s: %s", argv, state, text)
	}
	return took, err
}
