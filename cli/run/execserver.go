package run

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
)

// serverFlags contains the flags of exec for the credential server.
type serverFlags struct {
	ecs, ecsAlias, ec2 bool
	lazy, v1, address  bool
	allowDefault       bool
	audit              string
}

func (f *serverFlags) bind(c *kingpin.CmdClause) {
	c.Flag("ecs-server", "Run a server that renews the credentials of the command, as in an ECS container.").Short('s').BoolVar(&f.ecs)
	c.Flag("server", "Same as --ecs-server.").Hidden().BoolVar(&f.ecsAlias)
	c.Flag("ec2-server", "Run a metadata service for the command, as on an EC2 instance.").BoolVar(&f.ec2)
	c.Flag("imdsv1", "Let the metadata service also answer IMDSv1 requests, which have no token.").BoolVar(&f.v1)
	c.Flag("ec2-address", "Let the metadata service answer at 169.254.169.254. This requires root or a running aws-vault proxy.").BoolVar(&f.address)
	c.Flag("lazy", "Create the credentials at the first request to the server.").BoolVar(&f.lazy)
	c.Flag("allow-default", "Run the command even if [default] has credentials. SDKs prefer them to those of the server.").BoolVar(&f.allowDefault)
	bindAudit(c, &f.audit)
}

func bindAudit(c *kingpin.CmdClause, into *string) {
	c.Flag("audit", "Append a line to this file each time that credentials are provided. Default: the file in the setting audit or in AWS_VAULT_AUDIT.").PlaceHolder("FILE").StringVar(into)
}

func (f *serverFlags) enabled() bool { return f.ecs || f.ecsAlias || f.ec2 }

// check returns an error if two flags contradict each other or if a flag has no effect.
func (f *serverFlags) check() error {
	if f.ec2 && (f.ecs || f.ecsAlias) {
		return &app.UsageError{Text: "--ecs-server and --ec2-server cannot be used together"}
	}
	if (f.v1 || f.address) && !f.ec2 {
		return &app.UsageError{Text: "--imdsv1 and --ec2-address require --ec2-server"}
	}
	if !f.enabled() && (f.lazy || f.allowDefault) {
		return &app.UsageError{Text: "--lazy and --allow-default require --ecs-server or --ec2-server"}
	}
	return nil
}

// A commandLine is the command that exec runs.
type commandLine struct {
	path        string
	argv        []string
	interactive bool
}

// execServer runs a command. While the command runs, execServer also runs a server that provides credentials to it.
func execServer(ctx context.Context, a *app.App, f app.CredentialFlags, flags serverFlags, c commandLine) error {
	// From here on, signals do not end this process, because it must clean up after the command has ended.
	a.Env.CatchSignals()
	running, end := context.WithCancel(context.WithoutCancel(ctx)) // a signal that ends ctx must not end the server, because the command may handle the signal and continue
	defer end()
	t, err := a.Begin(ctx, app.Request{Verb: "exec", Flags: &f, For: plan.Serve, OfferProfiles: true})
	if err != nil {
		return err
	}
	if err := t.MakePlan(ctx); err != nil {
		return err
	}
	if err := app.CheckDefaultProfile(a, t.Session, t.Profile, flags.allowDefault); err != nil {
		return err
	}
	provider := newCredentialProvider(running, a, t)
	defer func() {
		end()
		provider.unattended.Wait()
	}()
	if provider.auditor, err = t.Auditor(flags.audit); err != nil {
		return err
	}
	l, release, err := listenFor(a, flags)
	if err != nil {
		return err
	}
	defer release()
	defer l.Close()
	lease := provider.lease(flags.need())
	defer lease.Close()
	if !flags.lazy {
		if err := createFirst(ctx, provider, lease); err != nil {
			return err
		}
	}
	handler, given := newHandler(a, flags, provider, lease, l.Addr().String())
	stop := serveInBackground(running, a, &server.Server{Handler: handler, Clock: provider.clock()}, l)
	defer func() {
		end()
		stop()
	}()
	return runChild(a, c, childEnvironment(a, t.Plan, append(given, regionAndEndpoint(t.Plan)...)))
}

// createFirst creates the first credentials before the command starts.
func createFirst(ctx context.Context, provider *credentialProvider, lease *server.CredentialCache) error {
	if err := provider.createFirst(ctx, lease); err != nil {
		return err
	}
	return provider.task.RecordUse(ctx)
}

// serveInBackground starts a server that runs until the context ctx ends. The function stop waits until the server has
// ended.
func serveInBackground(ctx context.Context, a *app.App, s *server.Server, l net.Listener) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(ctx, l); err != nil {
			a.Warn(fmt.Errorf("the credential server has stopped: %w", err))
		}
	}()
	return func() { <-ended }
}

// listenFor opens the listener that the flags select. It may change the network configuration, and the function release
// undoes the change.
func listenFor(a *app.App, flags serverFlags) (l net.Listener, release func(), err error) {
	if flags.address {
		return listenMetadata(a)
	}
	l, err = peer.Listen("tcp", "127.0.0.1:0", a.Env.Peers)
	return l, func() {}, err
}

// need returns how long the credentials must still be valid when the server provides them.
func (f *serverFlags) need() time.Duration {
	if f.ec2 {
		return server.EC2MinValidity
	}
	return server.ECSMinValidity
}

// newHandler returns the HTTP handler of the server, and the environment variables that SDKs use to find the
// server.
func newHandler(a *app.App, flags serverFlags, provider *credentialProvider, lease *server.CredentialCache, addr string) (http.Handler, []variable) {
	guard := server.Filter{Hosts: allowedHosts(addr)}
	if flags.address {
		guard.Hosts = server.MetadataHosts()
	}
	if flags.ec2 {
		if !a.Env.Peers.CanIdentify("tcp") {
			a.Note("every program on this machine can get the credentials: the metadata service requires no secret, and this system does not report which user connects")
		}
		return &server.EC2{
			Filter: guard, Cache: lease, Region: provider.task.Plan.Region, V1: flags.v1,
			Tokens: server.NewTokens(a.Env.Now), Explain: func(err error) server.Refusal { return refusal(a, err) }, Audit: provider.audit(),
		}, []variable{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://" + addr + "/"}, {"AWS_EC2_METADATA_DISABLED", "false"}}
	}
	token := newToken()
	return &server.ECS{
		Filter: guard, Explain: func(err error) server.Refusal { return refusal(a, err) },
		Mounts: []*server.Mount{{
			Path: credentialsPath, Token: server.DigestOf(token), Cache: lease, Roles: provider.roles(), Audit: provider.audit(),
		}},
	}, []variable{{containerURI, "http://" + addr + credentialsPath}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", token}}
}

// credentialsPath is the path of the credentials in the URL that exec gives to the command. The SDK for Ruby refuses a
// URL without a path: it passes the path to Net::HTTP, which raises "HTTP request path is empty".
const credentialsPath = "/credentials"

// containerURI names the variable that contains the URL of the credential server. containerTokenFile names the
// variable that contains the path of the server's token file. containerRelativeURI names the variable that contains the
// path of the URL in a container; the rest of the URL is http://169.254.170.2.
const (
	containerURI         = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	containerTokenFile   = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
	containerRelativeURI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
)

// newToken returns a random token for one server: 32 bytes, base64-encoded.
func newToken() string {
	const size = 32
	var b [size]byte
	rand.Read(b[:]) // rand.Read never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// allowedHosts returns the Host headers that a server on this machine accepts.
func allowedHosts(addr string) []string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	hosts := []string{addr, "127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port}
	if port == "80" {
		hosts = append(hosts, "127.0.0.1", "localhost", "[::1]")
	}
	return hosts
}

// runChild runs the command and waits until it ends. It returns the command's exit status as an app.StatusError.
func runChild(a *app.App, c commandLine, environ []string) error {
	if c.interactive {
		noteSubshell(a, c.argv[0])
	}
	a.Log.Debug("running the command", "path", c.path)
	defer a.Env.Programs.SetTerminalBusy()()
	status, err := a.Env.RunChild(c.path, c.argv, environ)
	if err != nil {
		return &CommandError{c.argv[0], app.StatusNotRunnable, err}
	}
	if status != 0 {
		return app.StatusError(status)
	}
	return nil
}
