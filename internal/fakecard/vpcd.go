package fakecard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// ServeVPCD connects the card to a real pcscd, over a connection to its virtual reader, until either
// side closes the connection. Closing it removes the card.
// https://frankmorgner.github.io/vsmartcard/virtualsmartcard/api.html#creating-a-virtual-smart-card-reader
func (c *Card) ServeVPCD(conn net.Conn) error {
	c.recorder.insert(func() { conn.Close() })
	defer c.recorder.removeCard()
	for {
		// The reader sends the length and the data in two TCP segments. Without this call, each command
		// waits 40 ms for an acknowledgement.
		acknowledge(conn)
		frame, err := readFrame(conn)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("virtual reader: %w", err)
		}
		if out := c.answerFrame(frame); out != nil {
			if err := writeFrame(conn, out); err != nil {
				return fmt.Errorf("virtual reader: %w", err)
			}
		}
	}
}

// answerFrame runs a command, or the control operation of a frame with one byte. A nil result means that
// nothing is sent.
func (c *Card) answerFrame(frame []byte) []byte {
	const powerOff, powerOn, reset, askATR = 0, 1, 2, 4
	if len(frame) != 1 {
		return c.Transmit(frame)
	}
	switch frame[0] {
	case powerOff, powerOn, reset:
		c.Reset()
	case askATR:
		return atr
	}
	return nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, fmt.Errorf("frame of %d bytes was cut off", len(frame))
	}
	return frame, nil
}

func writeFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}
