package system

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// cardHolder is the first other program of this user that has the card library loaded; empty if there is none.
func cardHolder() string {
	const maxMaps = 1 << 20 // bytes of one process's list
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
			continue // another user's, or gone
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
