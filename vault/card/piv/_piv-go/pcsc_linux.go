// This file replaces piv-go's pcsc_unix.go and pcsc_linux.go, which need C. "make cards" copies it into
// place. With this file, piv-go uses our own client for the PC/SC service.

package piv

import (
	"context"
	"errors"
	"fmt"
	"os"

	"aws-vault/vault/card/pcsc"
)

// rcNoService is SCARD_E_NO_SERVICE.
const rcNoService = 0x8010001D

// returned converts an error of our client into piv-go's error with the same code.
func returned(err error) error {
	var code pcsc.Error
	switch {
	case errors.As(err, &code):
		return &scErr{int64(code)}
	case errors.Is(err, pcsc.ErrNoService):
		return &scErr{rcNoService}
	}
	return err
}

type scContext struct{ service *pcsc.Service }

// newSCContext connects to the service whose socket libpcsclite would use.
func newSCContext() (*scContext, error) {
	s, err := pcsc.Open(context.Background(), os.Getenv("PCSCLITE_CSOCK_NAME"))
	if err != nil {
		return nil, returned(err)
	}
	return &scContext{s}, nil
}

func (c *scContext) Close() error { return returned(c.service.Close()) }

func (c *scContext) ListReaders() ([]string, error) {
	readers, err := c.service.Readers()
	if err != nil {
		return nil, returned(err)
	}
	var names []string
	for _, r := range readers {
		names = append(names, r.Name)
	}
	return names, nil
}

type scHandle struct{ card *pcsc.Card }

func (c *scContext) Connect(reader string) (*scHandle, error) {
	card, err := c.service.Exclusive(reader)
	if err != nil {
		return nil, returned(err)
	}
	return &scHandle{card}, nil
}

func (h *scHandle) Close() error { return returned(h.card.Close()) }

type scTx struct{ card *pcsc.Card }

// Begin does nothing: our client's card is in a transaction from Connect until Close.
func (h *scHandle) Begin() (*scTx, error) { return &scTx{h.card}, nil }

// Close does nothing. See Begin.
func (t *scTx) Close() error { return nil }

// transmit returns the card's response without its status. If more is set, the caller requests the rest.
func (t *scTx) transmit(command []byte) (more bool, data []byte, err error) {
	answer, err := t.card.Transmit(command)
	if err != nil {
		return false, nil, fmt.Errorf("transmitting: %w", returned(err))
	}
	end := len(answer) - 2
	if end < 0 {
		return false, nil, fmt.Errorf("the card answered with %d bytes, expected at least 2", len(answer))
	}
	switch data, status := answer[:end], [2]byte(answer[end:]); {
	case status == [2]byte{0x90, 0x00}:
		return false, data, nil
	case status[0] == 0x61:
		return true, data, nil
	default:
		return false, nil, &apduErr{sw1: status[0], sw2: status[1]}
	}
}
