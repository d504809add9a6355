package run

import (
	"fmt"
	"net"

	"aws-vault/cli/app"
)

// notify sends a state to the service manager, if NOTIFY_SOCKET is set.
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
func notify(a *app.App, state string) {
	path, _ := a.Env.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		_, err = c.Write([]byte(state))
		c.Close()
	}
	if err != nil {
		a.Warn(fmt.Errorf("NOTIFY_SOCKET: %w", err))
	}
}
