//go:build unix && !linux

package disk

// mountReason always returns an empty string, because WSL and containers run Linux.
func mountReason(string, *SharedError) string { return "" }
