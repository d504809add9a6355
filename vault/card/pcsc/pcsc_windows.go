package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The functions of Windows' PC/SC service. They are loaded when they are called for the first time.
// https://learn.microsoft.com/en-us/windows/win32/api/winscard/
var (
	winscard         = windows.NewLazySystemDLL("winscard.dll")
	establishContext = winscard.NewProc("SCardEstablishContext")
	releaseContext   = winscard.NewProc("SCardReleaseContext")
	listReaders      = winscard.NewProc("SCardListReadersW")
	getStatusChange  = winscard.NewProc("SCardGetStatusChangeW")
	connectCard      = winscard.NewProc("SCardConnectW")
	disconnectCard   = winscard.NewProc("SCardDisconnect")
	beginTransaction = winscard.NewProc("SCardBeginTransaction")
	endTransaction   = winscard.NewProc("SCardEndTransaction")
	transmitCard     = winscard.NewProc("SCardTransmit")
)

// A Service is a context of Windows' PC/SC service. Only one goroutine may use it at a time.
type Service struct {
	ctx     context.Context
	context uintptr
}

// call calls the function f of the service. If f returns an error code, call returns it as an Error.
func call(f *windows.LazyProc, args ...uintptr) error {
	status, _, _ := f.Call(args...)
	if code := Error(uint32(status)); code != 0 {
		return code
	}
	return nil
}

// Open creates a context of the service. The path is not used on Windows. If ctx ends while a command is running, the
// command is completed first. Open returns [ErrNoService] if no service is running, and an [Error] if the service
// returns an error code.
func Open(ctx context.Context, _ string) (*Service, error) {
	if err := winscard.Load(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoService, err)
	}
	const system, noService, stopped = 2, Error(0x8010001d), Error(0x8010001e)
	s := &Service{ctx: ctx}
	err := call(establishContext, system, 0, 0, uintptr(unsafe.Pointer(&s.context)))
	if errors.Is(err, noService) || errors.Is(err, stopped) {
		return nil, ErrNoService
	}
	return s, err
}

// Close releases the context and closes all its cards.
func (s *Service) Close() error { return call(releaseContext, s.context) }

// readerState has the layout of SCARD_READERSTATEW.
type readerState struct {
	name    *uint16
	user    uintptr
	current uint32
	event   uint32
	size    uint32
	atr     [36]byte
}

// Readers lists the card readers.
func (s *Service) Readers() ([]Reader, error) {
	const none, most = Error(0x8010002e), 1 << 15
	names := make([]uint16, most) // a zero follows each name, and a second zero follows the last name
	size := uint32(len(names))
	err := call(listReaders, s.context, 0, uintptr(unsafe.Pointer(&names[0])), uintptr(unsafe.Pointer(&size)))
	if errors.Is(err, none) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Reader
	for names = names[:min(size, most)]; ; {
		end := slices.Index(names, 0)
		if end <= 0 {
			return all, nil
		}
		present, err := s.present(&names[0])
		if err != nil {
			return nil, err
		}
		all = append(all, Reader{windows.UTF16ToString(names[:end]), present})
		names = names[end+1:]
	}
}

func (s *Service) present(name *uint16) (bool, error) {
	const atOnce, present = 0, 0x20
	state := readerState{name: name}
	err := call(getStatusChange, s.context, atOnce, uintptr(unsafe.Pointer(&state)), 1)
	return state.event&present != 0, err
}

// A Card is an open card. No other program can send it commands until Close.
type Card struct {
	service  *Service
	handle   uintptr
	protocol uint32
}

// Card opens the card in a reader and starts a transaction, so that no other program can send commands to the card.
func (s *Service) Card(reader string) (*Card, error) {
	name, err := windows.UTF16PtrFromString(reader)
	if err != nil {
		return nil, NoReader
	}
	c := &Card{service: s}
	err = call(connectCard, s.context, uintptr(unsafe.Pointer(name)), shared, protocols,
		uintptr(unsafe.Pointer(&c.handle)), uintptr(unsafe.Pointer(&c.protocol)))
	if err != nil {
		return nil, err
	}
	if err := call(beginTransaction, c.handle); err != nil {
		call(disconnectCard, c.handle, leaveCard)
		return nil, err
	}
	return c, nil
}

// Transmit sends one command to the card and returns the response.
func (c *Card) Transmit(command []byte) ([]byte, error) {
	if err := c.service.ctx.Err(); err != nil {
		return nil, context.Cause(c.service.ctx)
	}
	info := [2]uint32{c.protocol, 8} // SCARD_IO_REQUEST: the protocol, and the size of this structure in bytes
	answer := make([]byte, maxAnswer)
	size := uint32(len(answer))
	err := call(transmitCard, c.handle, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&command[0])), uintptr(len(command)),
		0, uintptr(unsafe.Pointer(&answer[0])), uintptr(unsafe.Pointer(&size)))
	if err != nil {
		return nil, err
	}
	return answer[:min(size, maxAnswer)], nil
}

// Close ends the transaction and closes the card, so that other programs can use it.
func (c *Card) Close() error {
	return errors.Join(call(endTransaction, c.handle, leaveCard), call(disconnectCard, c.handle, leaveCard))
}
