package unlocked

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"aws-vault/vault/disk"
)

// The key is stored in a file. Windows encrypts the content for this user with DPAPI.
// https://learn.microsoft.com/en-us/windows/win32/api/dpapi/nf-dpapi-cryptprotectdata

// maxFile is the maximum size of the key's file, in bytes. The usual size is about 250 bytes.
const maxFile = 16 << 10

func keyFile(name string) (dir *disk.Folder, file string, err error) {
	local, err := windows.KnownFolderPath(windows.FOLDERID_LocalAppData, 0)
	sum := sha256.Sum256([]byte(name))
	return disk.NewFolder(filepath.Join(local, "aws-vault")).Folder("unlocked"), hex.EncodeToString(sum[:8]), err
}

func put(name string, raw []byte, _ time.Duration) error {
	dir, file, err := keyFile(name)
	if err != nil {
		return err
	}
	sealed, err := runDPAPI(raw, func(in, out *windows.DataBlob) error {
		return windows.CryptProtectData(in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, out)
	})
	if err != nil {
		return err
	}
	return dir.Write(file, sealed)
}

func get(name string) ([]byte, error) {
	dir, file, err := keyFile(name)
	if err != nil {
		return nil, err
	}
	sealed, err := dir.Read(file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return runDPAPI(sealed, func(in, out *windows.DataBlob) error {
		return windows.CryptUnprotectData(in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, out)
	})
}

// runDPAPI calls act, which makes Windows encrypt or decrypt data. runDPAPI copies the result and frees the memory
// that Windows allocated for it.
func runDPAPI(data []byte, act func(in, out *windows.DataBlob) error) ([]byte, error) {
	if len(data) == 0 {
		return nil, ErrNotFound
	}
	in := windows.DataBlob{Size: uint32(len(data)), Data: &data[0]}
	var out windows.DataBlob
	if err := act(&in, &out); err != nil {
		return nil, err
	}
	defer windows.LocalFree(windows.Handle(unsafe.Pointer(out.Data)))
	return append([]byte{}, unsafe.Slice(out.Data, out.Size)...), nil
}

func remove(name string) error {
	dir, file, err := keyFile(name)
	if err != nil {
		return err
	}
	if err := dir.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

var queryUnbiasedTime = windows.NewLazySystemDLL("kernel32.dll").NewProc("QueryUnbiasedInterruptTime")

// sleptTime returns how long the computer has been suspended: the difference between a clock that continues during
// a suspend and a clock that stops during a suspend.
// https://learn.microsoft.com/en-us/windows/win32/api/realtimeapiset/nf-realtimeapiset-queryunbiasedinterrupttime
func sleptTime() (time.Duration, error) {
	var awake uint64 // in units of 100 ns
	if ok, _, err := queryUnbiasedTime.Call(uintptr(unsafe.Pointer(&awake))); ok == 0 {
		return 0, err
	}
	return windows.DurationSinceBoot() - time.Duration(awake)*100, nil
}
