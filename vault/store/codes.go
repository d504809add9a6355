package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"

	"aws-vault/vault/disk"
)

// Codes remember the last code that was sent for each MFA device, since AWS takes a
// code once. What is remembered is a salted digest.
type Codes struct {
	Dir   *disk.Folder // nil to remember the codes of this process only
	Locks *Locks

	mu       sync.Mutex
	lastSent map[string][]byte // what is remembered, where there is no folder
}

// A Device is one whose codes only this process sends until Close. What is done meanwhile is done
// with the context that comes with it.
type DeviceLock struct {
	lock  *Lock
	codes *Codes
	file  string
}

// LockDevice takes the lock of the device with that serial, and waits for it until ctx ends.
func (c *Codes) LockDevice(ctx context.Context, serial, question string) (context.Context, *DeviceLock, error) {
	sum := sha256.Sum256([]byte("aws-vault device 1\x00" + serial))
	id := hex.EncodeToString(sum[:16])
	ctx, held, err := c.Locks.device(ctx, id, question)
	if err != nil {
		return ctx, nil, err
	}
	return ctx, &DeviceLock{lock: held, codes: c, file: id}, nil
}

const saltSize = 16

// WasSent reports whether the code is the last that was sent for the device. Where nothing
// is remembered, or what is cannot be read, none was.
func (d *DeviceLock) WasSent(code string) bool {
	raw, err := d.codes.read(d.file)
	if err != nil || len(raw) != saltSize+sha256.Size {
		return false
	}
	return subtle.ConstantTimeCompare(raw, salted(raw[:saltSize:saltSize], code)) == 1
}

// MarkSent notes that the code is about to be sent. If it returns an error, it was not noted,
// and is not to be sent.
func (d *DeviceLock) MarkSent(code string) error {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return d.codes.write(d.file, salted(salt, code))
}

func (c *Codes) read(file string) ([]byte, error) {
	if c.Dir != nil {
		return c.Dir.Read(file, saltSize+sha256.Size)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastSent[file], nil
}

func (c *Codes) write(file string, digest []byte) error {
	if c.Dir != nil {
		return c.Dir.Write(file, digest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastSent == nil {
		c.lastSent = map[string][]byte{}
	}
	c.lastSent[file] = digest
	return nil
}

// Close lets other processes use the device.
func (d *DeviceLock) Close() error { return d.lock.Close() }

func salted(salt []byte, code string) []byte {
	sum := sha256.Sum256(append(append([]byte{}, salt...), code...))
	return append(append([]byte{}, salt...), sum[:]...)
}
