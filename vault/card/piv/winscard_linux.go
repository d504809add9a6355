//go:build piv && cgo

package piv

// Nothing here calls the library by name, so the linker leaves it out: see winscard_linux.c.

// #cgo pkg-config: libpcsclite
// #cgo LDFLAGS: -Wl,--as-needed -ldl
import "C"
