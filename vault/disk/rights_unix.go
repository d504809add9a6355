//go:build unix && !linux

package disk

import "io/fs"

func keepRights(_ string, old fs.FileInfo, temp string) error { return keepOwner(old, temp) }
