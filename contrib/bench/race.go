package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A bencher runs programs and takes their time.
type bencher struct {
	ctx     context.Context
	program string
	temp    string // for all that is made
	runs    int

	null *os.File // what a program under measurement reads, and writes to
	said *os.File // its errors

	floors
}

// A contender is a program, or an act of this one, that is run again and again.
type contender struct {
	name string
	once func(*bencher) (time.Duration, error)
}

// process is a contender that is a program.
func process(name string, command func() *exec.Cmd) contender {
	return contender{name, func(b *bencher) (time.Duration, error) { return b.spawn(command()) }}
}

// act is a contender that needs no process of its own.
func act(name string, do func() error) contender {
	return contender{name, func(*bencher) (time.Duration, error) {
		began := time.Now()
		err := do()
		return time.Since(began), err
	}}
}

func command(environ []string, argv ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		c := exec.Command(argv[0], argv[1:]...)
		c.Env = environ
		return c
	}
}

// Times are those of one contender, the shortest first.
type times []time.Duration

func (t times) at(quarter int) time.Duration { return t[(len(t)-1)*quarter/4] }

func (t times) median() time.Duration { return t.at(2) }

// half says between which times the middle half of all lies.
func (t times) half() string {
	return fmt.Sprintf("%.1f–%s", float64(t.at(1))/float64(time.Millisecond), ms(t.at(3)))
}

// race runs the contenders in turn, each so many times, so that what the machine does
// meanwhile befalls them all, and returns the times of each.
func (b *bencher) race(runs int, contenders ...contender) (map[string]times, error) {
	all := map[string]times{}
	for range runs + 2 {
		for _, c := range contenders {
			if err := b.ctx.Err(); err != nil {
				return nil, err
			}
			took, err := c.once(b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			all[c.name] = append(all[c.name], took)
		}
	}
	for name, t := range all {
		t = t[2:] // the first find nothing in the caches
		slices.Sort(t)
		all[name] = t
	}
	return all, nil
}

// spawn runs a program to its end. What package exec does around a process, with pipes and
// goroutines, would be counted as the program's time, so none of it is used.
func (b *bencher) spawn(c *exec.Cmd) (time.Duration, error) {
	if err := b.said.Truncate(0); err != nil {
		return 0, err
	}
	as := &os.ProcAttr{Dir: c.Dir, Env: c.Environ(), Files: []*os.File{b.null, b.null, b.said}}
	began := time.Now()
	p, err := os.StartProcess(c.Path, c.Args, as)
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(b.ctx, func() { p.Kill() })
	state, err := p.Wait()
	took := time.Since(began)
	stop()
	if err == nil && !state.Success() {
		said, _ := io.ReadAll(io.NewSectionReader(b.said, 0, 10_000))
		err = fmt.Errorf("%s: %s", state, strings.TrimSpace(string(said)))
	}
	return took, err
}

// rounds is how often a throughput is measured, to take the median.
const rounds = 7

// truePath is the program that does least.
const truePath = "/bin/true"

func yes() contender { return process("true", command(nil, truePath)) }

// beside races a contender with true and with a Go program that does nothing.
func (b *bencher) beside(runs int, c contender, more ...contender) (figure, map[string]times, error) {
	t, err := b.race(runs, append([]contender{yes(), b.emptyGo(), c}, more...)...)
	if err != nil {
		return figure{}, nil, err
	}
	took := t[c.name].median()
	return figure{
		here: ms(took), half: t[c.name].half(), took: took,
		ofTrue: ratio(took, t["true"].median()), ofGo: ratio(took, t[emptyGo].median()),
	}, t, nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
