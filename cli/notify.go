package cli

import (
	"fmt"
	"net"
)

// notify tells the service manager of a state, if one wants to know.
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
func (a *app) notify(state string) {
	path, _ := a.env.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		_, err = c.Write([]byte(state))
		c.Close()
	}
	if err != nil {
		a.warn(fmt.Errorf("NOTIFY_SOCKET: %w", err))
	}
}
