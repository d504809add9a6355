package fakecard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// ServeVPCD connects the card to a real pcscd, through conn, a connection to pcscd's virtual reader. It returns
// when either side closes the connection. Closing the connection also removes the card.
// https://frankmorgner.github.io/vsmartcard/virtualsmartcard/api.html#creating-a-virtual-smart-card-reader
func (c *Card) ServeVPCD(conn net.Conn) error {
	c.recorder.insert(func() { conn.Close() })
	defer c.recorder.removeCard()
	for {
		// The reader sends a length and then the data, in two TCP segments. Without acknowledge, each command takes
		// 40 ms longer, because the reader waits for an acknowledgement of the first segment.
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

// answerFrame returns the response to a frame. A frame of one byte is a control operation; a longer frame is a
// command. If the result is nil, the frame has no response.
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
