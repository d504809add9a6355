// Proxy answers containers at the address where SDKs look for credentials, and passes their requests on to aws-vault
// serve. It adds the token, which containers never see. To get the credentials of a profile, a container must know a
// path. A part of this path cannot be guessed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"aws-vault/server"
	"aws-vault/vault/peer"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	f := flag.NewFlagSet("proxy", flag.ContinueOnError)
	listen := f.String("listen", "169.254.170.2:80", "where containers ask")
	to := f.String("to", "/run/aws-vault/serve.sock", "where aws-vault serves: the path of its socket, or host:port")
	tokens := f.String("tokens", "/run/secrets/aws-vault", "folder with a token for each profile, see aws-vault serve --token-dir")
	roles := f.Bool("allow-role-arn", false, "let containers get the credentials of roles that the profile can assume, at PATH/role-arn/ARN")
	check := f.Bool("check", false, "see whether another one answers, and end")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	run := func() error { return serve(*listen, *to, *tokens, *roles) }
	if *check {
		run = func() error { return healthy(*listen) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "aws-vault-proxy: error:", err)
		return 1
	}
	return 0
}

func serve(listen, to, tokens string, roles bool) error {
	folder, err := os.OpenRoot(tokens)
	if err != nil {
		return err
	}
	l, err := peer.Listen("tcp", listen, peer.Check{Anyone: true})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	guard := server.Filter{Hosts: hosts(l.Addr().String())}
	s := server.Server{Handler: guard.Wrap(newForward(to, folder, roles)), Clock: server.Clock{Now: time.Now, AfterFunc: time.AfterFunc}}
	fmt.Fprintln(os.Stderr, "aws-vault-proxy: listening at", l.Addr())
	return s.Serve(ctx, l)
}

// hosts returns the Host headers that requests from containers can have.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func hosts(addr string) []string {
	const known = "169.254.170.2"
	return slices.Compact([]string{known, known + ":80", addr})
}

// healthy returns nil if a proxy responds at the given address. The status of the response does not matter.
func healthy(listen string) error {
	client := http.Client{Timeout: 3 * time.Second}
	resp, err := client.Head("http://" + listen + "/")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
