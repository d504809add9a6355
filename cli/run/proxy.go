package run

import (
	"context"
	"net"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault/peer"
)

type proxyFlags struct {
	user     string
	handOver bool // whether this process is the child process without root privileges
}

func ProxyCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f proxyFlags
	c := k.Command("proxy", "Add the address of the EC2 metadata service to this machine, for exec --ec2-address. Run it with sudo.").HelpLong(app.Examples(
		"Add the address for your own programs.", "sudo aws-vault proxy",
		"Add the address for the programs of the user alice.", "sudo aws-vault proxy --user alice"))
	c.Flag("user", "User whose programs may use the address. Default: the user who ran sudo.").PlaceHolder("NAME").StringVar(&f.user)
	c.Flag("hand-over", "Run the unprivileged process of the proxy.").Hidden().BoolVar(&f.handOver)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error { return proxy(ctx, a, f) }}}
}

// A privilegeError reports an action that requires administrator rights.
type privilegeError struct{ what string }

func (e *privilegeError) Error() string { return e.what + " requires administrator rights" }

func (*privilegeError) Remedy() string {
	return "start the proxy as root: sudo aws-vault proxy"
}

// listenAlias adds the address of the EC2 metadata service to the loopback interface, and listens at that address. The
// function release removes the address.
func listenAlias(who peer.Check) (l net.Listener, release func(), err error) {
	alias, err := server.NewAlias()
	if err != nil {
		return nil, nil, err
	}
	if l, err = alias.Listen(who); err != nil {
		alias.Close()
		return nil, nil, err
	}
	return l, func() { alias.Close() }, nil
}
