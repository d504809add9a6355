package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// machine says on what kind of machine this runs, and not on which.
func machine(temp string) string {
	cores := fmt.Sprintf("%d cores", runtime.NumCPU())
	if runtime.NumCPU() == 1 {
		cores = "one core"
	}
	on := ""
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		if kind := fileSystem(string(mounts), temp); kind != "" {
			on = ", files on " + kind
		}
	}
	return fmt.Sprintf("The last run: %s, %s/%s, %s%s.\n", cores, runtime.GOOS, runtime.GOARCH, strings.SplitN(runtime.Version(), " ", 2)[0], on)
}

// fileSystem is the kind of file system that holds a path, by Linux's list of mounts; empty if
// the list does not tell. https://www.kernel.org/doc/html/latest/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts
func fileSystem(mounts, path string) string {
	kind, longest := "", -1
	for line := range strings.Lines(mounts) {
		mount, source, ok := strings.Cut(line, " - ")
		fields, of := strings.Fields(mount), strings.Fields(source)
		if !ok || len(fields) < 5 || len(of) == 0 {
			continue
		}
		at := fields[4]
		inside := at == "/" || path == at || strings.HasPrefix(path, at+string(filepath.Separator))
		if inside && len(at) >= longest { // a later mount hides an earlier one
			kind, longest = of[0], len(at)
		}
	}
	return kind
}
