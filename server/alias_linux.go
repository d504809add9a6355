package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An Alias is the address of the EC2 metadata service, added to this machine's loopback interface. The kernel
// removes the address after aliasLife, unless this process renews the address. So the address does not remain if
// this process is killed.
type Alias struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// The kernel removes the address after aliasLife. To prevent this, the process renews the address at intervals of
// aliasRenew.
const (
	aliasLife  = 30 * time.Second
	aliasRenew = 10 * time.Second
)

// NewAlias adds the address. It returns the system's error if this process has no permission to configure the
// network. If another process has already added the address, both processes share it.
func NewAlias() (*Alias, error) {
	if err := setAlias(unix.RTM_NEWADDR, aliasLife); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	a := &Alias{stop: stop}
	a.done.Go(func() {
		renew := time.NewTicker(aliasRenew)
		defer renew.Stop()
		for {
			select {
			case <-renew.C:
				setAlias(unix.RTM_NEWADDR, aliasLife) // ignore errors, because the next renewal may succeed
			case <-ctx.Done():
				return
			}
		}
	})
	return a, nil
}

// Close removes the address from the loopback interface.
func (a *Alias) Close() error {
	a.stop()
	a.done.Wait()
	return setAlias(unix.RTM_DELADDR, 0)
}

// bindToLoopback binds a socket to the loopback interface, because otherwise other machines on the network could
// connect to the address.
func bindToLoopback(fd int) error {
	lo, err := loopback()
	if err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt SO_BINDTODEVICE", unix.BindToDevice(fd, lo.Name))
}

func loopback() (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Flags&net.FlagLoopback != 0 {
			return &all[i], nil
		}
	}
	return nil, errors.New("no loopback interface found")
}

// setAlias adds, renews or removes the address, depending on kind.
// https://man7.org/linux/man-pages/man7/rtnetlink.7.html
func setAlias(kind uint16, life time.Duration) error {
	lo, err := loopback()
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, aliasRequest(kind, lo.Index, life), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	response := make([]byte, os.Getpagesize())
	n, _, err := unix.Recvfrom(fd, response, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	messages, err := syscall.ParseNetlinkMessage(response[:n])
	if err != nil || len(messages) != 1 || messages[0].Header.Type != unix.NLMSG_ERROR || len(messages[0].Data) < 4 {
		return fmt.Errorf("the kernel's response for address %s cannot be decoded", metadata)
	}
	if code := int32(binary.NativeEndian.Uint32(messages[0].Data)); code != 0 {
		return &net.OpError{Op: "address", Net: lo.Name, Addr: &net.IPAddr{IP: metadata.AsSlice()}, Err: syscall.Errno(-code)}
	}
	return nil
}

// aliasRequest returns the encoded netlink request for setAlias.
func aliasRequest(kind uint16, index int, life time.Duration) []byte {
	flags := unix.NLM_F_REQUEST | unix.NLM_F_ACK
	if kind == unix.RTM_NEWADDR {
		flags |= unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	}
	const wholeAddress = 32
	e := binary.NativeEndian
	b := e.AppendUint32(nil, 0) // length of the request, set at the end
	b = e.AppendUint16(b, kind)
	b = e.AppendUint16(b, uint16(flags))
	b = e.AppendUint32(b, 1) // sequence number
	b = e.AppendUint32(b, 0) // ID of the sender; not needed
	b = append(b, unix.AF_INET, wholeAddress, 0, unix.RT_SCOPE_HOST)
	b = e.AppendUint32(b, uint32(index))
	for _, attribute := range []uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		b = e.AppendUint16(b, 4+4)
		b = e.AppendUint16(b, attribute)
		b = append(b, metadata.AsSlice()...)
	}
	if kind == unix.RTM_NEWADDR {
		seconds := uint32(life / time.Second)
		b = e.AppendUint16(b, 4+4*4)
		b = e.AppendUint16(b, unix.IFA_CACHEINFO)
		for _, v := range []uint32{seconds, seconds, 0, 0} { // lifetimes: preferred and valid
			b = e.AppendUint32(b, v)
		}
	}
	e.PutUint32(b, uint32(len(b)))
	return b
}
