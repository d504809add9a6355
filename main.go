// Aws-vault stores AWS credentials safely and provides short-lived ones.
package main

import (
	"os"
	"runtime/debug"

	"aws-vault/cli"
	"aws-vault/cli/app"
	"aws-vault/cli/system"
)

// version is set by the linker when a release is built.
var version = ""

func main() {
	hideMemory()
	ctx, signals := newSignals()
	env := system.NewEnv(versionText(), system.RemoveSecrets())
	env.CatchSignals = signals.catch
	status := cli.Main(ctx, os.Args[1:], env)
	if status == app.StatusInterrupted && ctx.Err() != nil {
		signals.release()
		dieInterrupted()
	}
	os.Exit(status)
}

// versionText returns the version of a release. For other builds, it returns the commit that was built.
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
