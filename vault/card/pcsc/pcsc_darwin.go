package pcsc

import "context"

// Service does nothing: on macOS, the PC/SC service can be used only through a C library.
type Service struct{}

// Open fails with [ErrUnsupported].
func Open(context.Context, string) (*Service, error) { return nil, ErrUnsupported }

// Close does nothing.
func (*Service) Close() error { return nil }

// Readers fails with [ErrUnsupported].
func (*Service) Readers() ([]Reader, error) { return nil, ErrUnsupported }

// Card fails with [ErrUnsupported].
func (*Service) Card(string) (*Card, error) { return nil, ErrUnsupported }

// Card does nothing, because no card can be opened on macOS.
type Card struct{}

// Transmit fails with [ErrUnsupported].
func (*Card) Transmit([]byte) ([]byte, error) { return nil, ErrUnsupported }

// Close does nothing.
func (*Card) Close() error { return nil }
