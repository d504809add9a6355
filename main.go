// Aws-vault keeps AWS credentials where nothing can read them by accident and hands out
// short-lived ones.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"aws-vault/cli"
)

// version is set when a release is built.
var version = ""

func main() {
	hideMemory()
	ctx, stop := signal.NotifyContext(context.Background(), ending()...)
	defer stop()
	status := cli.Main(ctx, os.Args[1:], cli.Process(versionText()))
	if status == cli.StatusInterrupted && ctx.Err() != nil {
		stop()
		dieInterrupted()
	}
	os.Exit(status)
}

// ending are the signals that end us. One that we were told to ignore, as nohup does, is
// left so, for us and for the command that we become.
func ending() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	return slices.DeleteFunc(all, signal.Ignored)
}

// versionText names what was built: a release, or a commit.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && text == "(devel)" {
			text = "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return text
}
