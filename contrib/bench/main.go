// Bench measures how much later a command starts because of aws-vault. It compares aws-vault with a floor program in
// the same run, and writes the results to docs/performance.md. The floor program does the least that any program with
// the same task must do. The benchmark uses a fake AWS on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	page := flag.String("page", "", "write the figures into this Markdown file, between its marks")
	plot := flag.String("plot", "", "draw the times among more and more profiles into this SVG file")
	runs := flag.Int("runs", 101, "how often each command runs")
	flag.Parse()
	if flag.NArg() != 2 || *runs < 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [flags] AWS-VAULT FLOOR")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, flag.Arg(0), flag.Arg(1), *runs, *page, *plot)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench measures all rows and writes the page and the plot. If rows exceed their bounds, the error names these rows.
func bench(ctx context.Context, vault, floor string, runs int, page, plot string) error {
	dir, err := os.MkdirTemp("", "aws-vault-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := programs{vault: filepath.Join(dir, "aws-vault"), floor: filepath.Join(dir, "floor"), dir: dir}
	size, err := copyProgram(p.vault, vault)
	if err != nil {
		return err
	}
	if _, err := copyProgram(p.floor, floor); err != nil {
		return err
	}

	var results []result
	var missed []error
	for _, r := range rows {
		found, err := measure(ctx, p, r, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		fmt.Print(found.cells())
		if found.missed() {
			missed = append(missed, fmt.Errorf("%s takes %.2f times as long as the floor program, expected at most %.1f", r.what, found.ratio(), r.bound))
		}
		results = append(results, found)
	}
	together, err := measureCold(p)
	if err != nil {
		return err
	}
	fmt.Print(together)
	if together.missed() {
		missed = append(missed, errors.New("commands at once: expected one call and one prompt"))
	}

	if page != "" {
		if err := fillPage(page, parts(results, together, runs, size)); err != nil {
			return err
		}
	}
	if plot != "" {
		if err := os.WriteFile(plot, drawing(results), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(missed...)
}

// copyProgram copies a program and returns its size in bytes. The benchmark measures the copy, because a program
// file that the linker has just written starts more slowly than a copy of that file.
func copyProgram(to, from string) (size int, err error) {
	text, err := os.ReadFile(from)
	if err != nil {
		return 0, fmt.Errorf("%w: make bench builds it", err)
	}
	return len(text), os.WriteFile(to, text, 0o700)
}
