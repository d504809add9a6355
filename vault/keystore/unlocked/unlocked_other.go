//go:build !linux && !darwin && !windows

package unlocked

import "time"

func put(string, []byte, time.Duration) error { return ErrUnsupported }

func get(string) ([]byte, error) { return nil, ErrNotFound }

func remove(string) error { return nil }

func sleptTime() (time.Duration, error) { return 0, nil }
