package system

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// cardHolder returns the name of another program of this user that has loaded the smart card library. It returns an
// empty string if there is no such program.
func cardHolder() string {
	const maxMaps = 1 << 20 // maximum number of bytes to read from the maps file of a process
	maps, err := filepath.Glob("/proc/[0-9]*/maps")
	if err != nil {
		return ""
	}
	for _, path := range maps {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue // the process belongs to another user, or has ended
		}
		list, err := io.ReadAll(io.LimitReader(f, maxMaps))
		f.Close()
		if err != nil || !bytes.Contains(list, []byte("/libpcsclite.so")) {
			continue
		}
		if name, _, ok := processOf(pid); ok && name != "pcscd" {
			return name
		}
	}
	return ""
}
