package disk

import "os"

// Create writes data to a new file at path that only its owner may read, and syncs it. What
// stands at path already stays as it is: the error is then a fs.ErrExist. After any other
// failure nothing stands there.
func Create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
