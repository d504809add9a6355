package main

import (
	"bytes"
	"context"
	"fmt"
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

	nothing string // a program that does nothing, written in Go
	web     string // likewise, with net/http linked

	resident string // prints the memory that a program had at most, in kilobytes
}

// A contender is a program that is run again and again.
type contender struct {
	name    string
	command func() *exec.Cmd
}

func command(environ []string, argv ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		c := exec.Command(argv[0], argv[1:]...)
		c.Env = environ
		return c
	}
}

// race runs the contenders in turn, each so many times, so that what the machine does
// meanwhile befalls them all, and returns the median of each.
func (b *bencher) race(runs int, contenders ...contender) (map[string]time.Duration, error) {
	times := map[string][]time.Duration{}
	for range runs + 2 {
		for _, c := range contenders {
			took, err := b.once(c)
			if err != nil {
				return nil, err
			}
			times[c.name] = append(times[c.name], took)
		}
	}
	medians := map[string]time.Duration{}
	for name, t := range times {
		t = t[2:] // the first find nothing in the caches
		slices.Sort(t)
		medians[name] = t[len(t)/2]
	}
	return medians, nil
}

func (b *bencher) once(c contender) (time.Duration, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	cmd := c.command()
	var said bytes.Buffer
	cmd.Stderr = &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", c.name, err, strings.TrimSpace(said.String()))
	}
	return time.Since(began), nil
}

// floors builds what the program is held against.
func (b *bencher) floors() error {
	var err error
	if b.nothing, err = b.build("nothing", "package main\n\nfunc main() {}\n"); err != nil {
		return err
	}
	b.web, err = b.build("web", `package main

import (
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 {
		http.Get(os.Args[1])
	}
}
`)
	if err != nil {
		return err
	}
	b.resident, err = b.build("resident", `package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
`)
	return err
}

// truePath is the program that does least.
const truePath = "/bin/true"

func yes() contender { return contender{"true", command(nil, truePath)} }
