package cli

import (
	"context"
	"errors"
	"net"
)

// proxy is not needed here, nor possible: a socket cannot be handed over.
func (a *app) proxy(context.Context, proxyFlags) error {
	return errors.New("there is no proxy on Windows, want exec --ec2-address to be run as an administrator")
}

// listenMetadata listens at the metadata service's own address, which is taken away when
// release is called.
func (a *app) listenMetadata() (l net.Listener, release func(), err error) {
	return listenAlias(a.env.Peers)
}
