// Bench measures what aws-vault costs whoever waits for it, beside what a program costs
// that does nothing, and writes the table and the plot of docs/performance.md. AWS is the
// fake of package vaulttest, on this machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// longest is how long everything may take before something must be wrong.
const longest = 20 * time.Minute

func main() {
	page := flag.String("page", "", "write the table into this Markdown file, between its marks")
	plot := flag.String("plot", "", "draw the growth into this SVG file")
	runs := flag.Int("runs", 41, "runs of each program whose median is taken")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [flags] PATH-OF-AWS-VAULT")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, longest)
	err := bench(ctx, flag.Arg(0), *runs, *page, *plot)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, path string, runs int, page, plot string) error {
	program, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "aws-vault-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	b := &bencher{ctx: ctx, program: program, temp: temp, runs: runs}
	if err := b.floors(); err != nil {
		return err
	}
	table, err := b.table()
	if err != nil {
		return err
	}
	if page != "" {
		if err := insert(page, "table", table); err != nil {
			return err
		}
	}
	if plot == "" {
		return nil
	}
	growth, slopes, err := b.growth()
	if err != nil {
		return err
	}
	if page != "" {
		if err := insert(page, "growth", slopes); err != nil {
			return err
		}
	}
	return os.WriteFile(plot, growth, 0o644)
}
