package pcsc

import "context"

// A Service cannot be had: macOS's is reached through a C library alone.
type Service struct{}

// Open fails with [ErrUnsupported].
func Open(context.Context, string) (*Service, error) { return nil, ErrUnsupported }

// Close does nothing.
func (*Service) Close() error { return nil }

// Readers fails with [ErrUnsupported].
func (*Service) Readers() ([]Reader, error) { return nil, ErrUnsupported }

// Card fails with [ErrUnsupported].
func (*Service) Card(string) (*Card, error) { return nil, ErrUnsupported }

// A Card cannot be had either.
type Card struct{}

// Transmit fails with [ErrUnsupported].
func (*Card) Transmit([]byte) ([]byte, error) { return nil, ErrUnsupported }

// Close does nothing.
func (*Card) Close() error { return nil }
