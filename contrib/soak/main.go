// Soak runs many aws-vault commands at once. The fake AWS that they call fails sometimes. Afterwards, soak checks
// that no credentials are lost and no temporary files remain.
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

func main() {
	commands := flag.Int("commands", 20_000, "how many commands are run in all")
	workers := flag.Int("workers", 16, "how many are run at once")
	longest := flag.Duration("longest", 20*time.Minute, "when to give up")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: soak [flags] PATH-OF-AWS-VAULT")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, *longest)
	err := run(ctx, flag.Arg(0), *commands, *workers)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string, commands, workers int) error {
	program, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	p, err := newPool(ctx, program)
	if err != nil {
		return err
	}
	defer p.close()
	if p.server, err = p.serve(); err != nil {
		return err
	}
	began := time.Now()
	if err := p.work(commands, workers); err != nil {
		return err
	}
	fmt.Printf("%d commands by %d at once in %s: %d calls to AWS, %d of them failed by the fake, %d commands told of it\n",
		commands, workers, time.Since(began).Round(time.Second), p.calls(), p.failed.Load(), p.blamed.Load())
	if err := p.server.stop(); err != nil {
		return err
	}
	return p.inspect()
}
