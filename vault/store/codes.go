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

// Codes remembers the last MFA code that was sent for each device, because AWS accepts each code only once.
// Codes stores only a salted digest of the code.
type Codes struct {
	Dir   *disk.Folder // nil if the codes are remembered in this process only
	Locks *Locks

	mu       sync.Mutex
	lastSent map[string][]byte // digest of the last code, by device; used if Dir is nil
}

// A DeviceLock is a lock on an MFA device. Until Close is called, no other process sends codes of the device.
type DeviceLock struct {
	lock  *Lock
	codes *Codes
	file  string
}

// LockDevice locks the MFA device with this serial number. It waits for the lock until ctx ends. All work under
// the lock must use the returned context: see [Locks.Session].
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

// WasSent reports whether code is the last code that was sent for the device. It returns false if no code was
// recorded or the record cannot be read.
func (d *DeviceLock) WasSent(code string) bool {
	raw, err := d.codes.read(d.file)
	if err != nil || len(raw) != saltSize+sha256.Size {
		return false
	}
	return subtle.ConstantTimeCompare(raw, salted(raw[:saltSize:saltSize], code)) == 1
}

// MarkSent records that the code is about to be sent. If it returns an error, the caller must not send the
// code.
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

// Close releases the lock.
func (d *DeviceLock) Close() error { return d.lock.Close() }

func salted(salt []byte, code string) []byte {
	sum := sha256.Sum256(append(append([]byte{}, salt...), code...))
	return append(append([]byte{}, salt...), sum[:]...)
}
