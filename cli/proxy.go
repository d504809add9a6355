package cli

import (
	"context"

	"github.com/alecthomas/kingpin/v2"
)

// proxyFlags say for whom the metadata service's own address is held.
type proxyFlags struct {
	user     string
	handOver bool // we are the process that has no privileges
}

func proxyCommand(k *kingpin.Application, a *app) {
	var f proxyFlags
	c := k.Command("proxy", "Hold the address of the EC2 metadata service for exec --ec2-address; run it with sudo.")
	c.Flag("user", "Whose programs may answer there; who ran sudo, if nobody is named.").PlaceHolder("NAME").StringVar(&f.user)
	c.Flag("hand-over", "Be the part of it that needs no rights.").Hidden().BoolVar(&f.handOver)
	a.action(c, func(ctx context.Context) error { return a.proxy(ctx, f) })
}

// A privilegeError is returned where the rights of an administrator are needed.
type privilegeError struct{ what string }

func (e *privilegeError) Error() string { return e.what + " takes the rights of an administrator" }
