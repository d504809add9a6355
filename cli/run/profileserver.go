package run

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault/plan"
)

// A profileServer is the server that one run of the command serve starts.
type profileServer struct {
	app      *app.App
	flags    serveFlags
	endpoint endpoint
	session  *app.Session
	audit    *auditLog
	profiles []*servedProfile // the profiles, in the order of the command line
	handler  atomic.Pointer[server.ECS]
}

// A servedProfile is a profile whose credentials a profileServer provides.
type servedProfile struct {
	name     string
	token    string
	provider *credentialProvider
	lease    *server.CredentialCache
	roles    *server.Roles
}

func (p *servedProfile) plan() plan.Plan { return p.provider.task.Plan }

// newProfileServer plans the credentials of all profiles but does not start to serve. The background work of the
// server ends when ctx ends.
func newProfileServer(ctx context.Context, a *app.App, f serveFlags, at endpoint) (*profileServer, error) {
	s, err := a.Open(ctx, "serve "+strings.Join(f.profiles, " "))
	if err != nil {
		return nil, err
	}
	v := &profileServer{app: a, flags: f, endpoint: at, session: s}
	if v.profiles, err = v.plan(ctx, s, nil); err != nil {
		return nil, err
	}
	for _, p := range v.profiles {
		p.provider.task.PrintNotes()
	}
	if v.audit, err = openAudit(a, f.audit); err != nil {
		return nil, err
	}
	v.install()
	return v, nil
}

// plan plans the credentials of each profile. The list before contains the profiles that are already served, or is nil.
// These profiles keep their tokens. A profile whose plan has not changed also keeps its credentials.
func (v *profileServer) plan(ctx context.Context, s *app.Session, before []*servedProfile) ([]*servedProfile, error) {
	var profiles []*servedProfile
	for i, name := range v.flags.profiles {
		t := v.app.Task(s, app.Request{Flags: &v.flags.CredentialFlags, For: plan.Serve}, name)
		provider := newCredentialProvider(ctx, v.app, t)
		var err error
		if t.Plan, err = provider.plan(ctx); err != nil {
			return nil, err
		}
		p := &servedProfile{name: name, provider: provider, lease: provider.lease(server.ECSMinValidity), roles: provider.roles()}
		switch {
		case before == nil:
			p.token = newToken()
		case reflect.DeepEqual(before[i].plan(), p.plan()):
			p = before[i]
		default:
			p.token = before[i].token
		}
		profiles = append(profiles, p)
	}
	return profiles, nil
}

// install makes the HTTP handler serve the current profiles.
func (v *profileServer) install() {
	e := &server.ECS{
		Filter:  server.Filter{Hosts: v.endpoint.hosts()},
		Explain: func(err error) server.Refusal { return refusal(v.app, err) }, Audit: v.audit.hook(),
	}
	for _, p := range v.profiles {
		e.Mounts = append(e.Mounts, &server.Mount{Profile: p.name, Path: "/" + p.name, Token: server.DigestOf(p.token), Cache: p.lease, Roles: p.roles})
	}
	v.handler.Store(e)
}

// begin creates the first credentials of each profile, one profile after the other, because each profile may need a
// prompt.
func (v *profileServer) begin(ctx context.Context) error {
	if v.flags.lazy {
		return nil
	}
	for _, p := range v.profiles {
		if err := p.provider.createFirst(ctx, p.lease); err != nil {
			return fmt.Errorf("profile %s: %w", p.name, err)
		}
	}
	return nil
}

func (v *profileServer) serve(ctx context.Context, l net.Listener) error {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.handler.Load().ServeHTTP(w, r) })
	return (&server.Server{Handler: h, Clock: v.profiles[0].provider.clock()}).Serve(ctx, l)
}

// close ends the background work and closes the audit log.
func (v *profileServer) close() {
	for _, p := range v.profiles {
		p.close()
		p.provider.unattended.Wait()
	}
	v.audit.Close()
}

func (p *servedProfile) close() {
	p.lease.Close()
	p.roles.Close()
}

// watch reloads the config files when they change.
func (v *profileServer) watch(ctx context.Context, interval time.Duration) {
	files := []string{v.app.Env.ConfigFile().Path, v.app.Env.CredentialsFile().Path}
	before := statFiles(files)
	for app.Sleep(ctx, interval) == nil {
		now := statFiles(files)
		if sameFiles(before, now) {
			continue
		}
		before = now
		if err := v.reload(ctx); err != nil {
			v.app.Warn(fmt.Errorf("the config file has changed but cannot be used, so the previous settings stay in effect: %w", err))
			notify(v.app, "STATUS=the changed config file cannot be used")
		} else {
			v.app.Note("the config file has changed; the new settings are in effect")
			notify(v.app, "STATUS=the config file was reloaded")
		}
	}
}

// reload reads the config files again and serves the new settings. If reload fails, the server keeps the old settings.
func (v *profileServer) reload(ctx context.Context) error {
	config, in, err := v.app.Env.ReadConfig(nil)
	if err != nil {
		return err
	}
	s := v.app.Assemble(config, in, v.session.Locks, v.session.State, v.session.Keystore)
	before := v.profiles
	profiles, err := v.plan(ctx, s, before)
	if err != nil {
		return err
	}
	v.profiles = profiles
	v.install()
	for i, p := range before {
		if p != profiles[i] {
			p.close()
		}
	}
	return nil
}

func statFiles(files []string) []os.FileInfo {
	var infos []os.FileInfo
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			info = nil
		}
		infos = append(infos, info)
	}
	return infos
}

// sameFiles reports whether the files are unchanged. The parameters are the results of two calls to statFiles.
func sameFiles(a, b []os.FileInfo) bool {
	for i := range a {
		if a[i] == nil || b[i] == nil {
			if a[i] != b[i] {
				return false
			}
			continue
		}
		if !os.SameFile(a[i], b[i]) || !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Size() != b[i].Size() {
			return false
		}
	}
	return true
}
