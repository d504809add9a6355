package run

import (
	"context"
	"errors"
	"net"

	"aws-vault/cli/app"
)

// proxy is not needed here, nor possible: a socket cannot be handed over.
func proxy(context.Context, *app.App, proxyFlags) error {
	return errors.New("there is no proxy on Windows, want exec --ec2-address to be run as an administrator")
}

// listenMetadata listens at the metadata service's own address, which is taken away when
// release is called.
func listenMetadata(a *app.App) (l net.Listener, release func(), err error) {
	return listenAlias(a.Env.Peers)
}
