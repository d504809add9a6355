//go:build unix && !linux

package disk

import "io/fs"

func copyRights(_ string, old fs.FileInfo, temp string) error { return copyOwner(old, temp) }
