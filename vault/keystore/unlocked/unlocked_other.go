//go:build !linux && !darwin && !windows

package unlocked

import "time"

func keep(string, []byte, time.Duration) error { return ErrUnsupported }

func find(string) ([]byte, error) { return nil, ErrNone }

func drop(string) error { return nil }

func sleptTime() (time.Duration, error) { return 0, nil }
