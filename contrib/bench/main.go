// Bench measures what aws-vault costs whoever waits for it, beside what a program costs
// that does nothing, and writes the tables and the plot of docs/performance.md. AWS is the
// fake of package vaulttest, on this machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// longest is how long everything may take before something must be wrong.
const longest = 20 * time.Minute

func main() {
	page := flag.String("page", "", "write the table into this Markdown file, between its marks")
	plot := flag.String("plot", "", "draw the growth into this SVG file")
	runs := flag.Int("runs", 101, "runs of each program whose median is taken")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [flags] PATH-OF-AWS-VAULT")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("not done after %s", longest))
	err := bench(ctx, flag.Arg(0), *runs, *page, *plot)
	if ctx.Err() != nil {
		err = context.Cause(ctx) // and not that a program was killed
	}
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, path string, runs int, page, plot string) error {
	program, err := filepath.Abs(path)
	if err == nil {
		err = needs(program)
	}
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "aws-vault-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	b := &bencher{ctx: ctx, program: program, temp: temp, runs: runs}
	if b.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return err
	}
	defer b.null.Close()
	if b.said, err = os.OpenFile(filepath.Join(temp, "said"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	defer b.said.Close()
	if b.floors, err = b.buildFloors(); err != nil {
		return err
	}
	return b.write(page, plot)
}

// needs says what is missing that nothing can be measured without.
func needs(program string) error {
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("%w: make bench builds it", err)
	}
	if _, err := os.Stat(truePath); err != nil {
		return fmt.Errorf("%w: everything is held against it", err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("%w: it builds the programs that aws-vault is held against", err)
	}
	return nil
}

// A part of the page is what stands between the marks of its name.
type part struct {
	name    string
	measure func() (string, error)
}

// parts are all there are, in the order of the page. The growth is drawn, too, if that is wanted.
func (b *bencher) parts(drawn *[]byte) []part {
	return []part{
		{"machine", func() (string, error) { return machine(b.temp), nil }},
		{"floors", b.floorTable},
		{"table", b.table},
		{"stages", b.stages},
		{"growth", func() (text string, err error) {
			*drawn, text, err = b.growth()
			return text, err
		}},
	}
}

// write measures everything, and then writes what is wanted of it.
func (b *bencher) write(path, plot string) error {
	on := &page{}
	if path != "" {
		var err error
		if on, err = readPage(path); err != nil {
			return err
		}
	}
	var drawn []byte
	for _, part := range b.parts(&drawn) {
		text, err := part.measure()
		if err == nil && path != "" {
			err = on.put(part.name, text)
		}
		if err != nil {
			return err
		}
	}
	if plot != "" {
		if err := os.WriteFile(plot, drawn, 0o644); err != nil {
			return err
		}
	}
	if path == "" {
		return nil
	}
	return on.write()
}
