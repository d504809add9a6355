// This file replaces piv-go's files pcsc_unix.go and pcsc_linux.go, which need C. "make cards" copies this file into
// piv-go, which then uses our own client for the PC/SC service.

package piv

import (
	"context"
	"errors"
	"fmt"
	"os"

	"aws-vault/vault/card/pcsc"
)

// rcNoService is the PC/SC error code SCARD_E_NO_SERVICE.
const rcNoService = 0x8010001D

// returned converts an error of our client into the error that piv-go uses for the same error code.
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

// newSCContext connects to the PC/SC service at the socket that libpcsclite would use.
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

// Begin does nothing: with our client, a card is in a transaction from Connect until it is closed.
func (h *scHandle) Begin() (*scTx, error) { return &scTx{h.card}, nil }

// Close does nothing, because Begin did not start a transaction.
func (t *scTx) Close() error { return nil }

// transmit returns the card's response without its status. If more is true, the response has another part, which the
// caller must request.
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
