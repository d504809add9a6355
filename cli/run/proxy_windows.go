package run

import (
	"context"
	"errors"
	"net"

	"aws-vault/cli/app"
)

// proxy returns an error. A Windows process cannot pass a socket to another process, and Windows does not need the
// proxy.
func proxy(context.Context, *app.App, proxyFlags) error {
	return errors.New("aws-vault proxy is not available on Windows; run exec --ec2-address as an administrator instead")
}

// listenMetadata listens at the address of the EC2 metadata service. The function release frees the address.
func listenMetadata(a *app.App) (l net.Listener, release func(), err error) {
	return listenAlias(a.Env.Peers)
}
