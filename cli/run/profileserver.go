package run

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/server"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
)

// A profileServer is the server that one run of the command serve starts.
type profileServer struct {
	app      *app.App
	flags    serveFlags
	endpoint endpoint
	session  *app.Session
	profiles []*servedProfile // the profiles, in the order of the command line
	handler  atomic.Pointer[server.ECS]

	files []string      // the config files
	read  []os.FileInfo // the state of the config files before they were last read
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
	v := &profileServer{app: a, flags: f, endpoint: at, files: []string{a.Env.ConfigFile().Path, a.Env.CredentialsFile().Path}}
	v.read = statFiles(v.files)
	s, err := a.Open(ctx, "serve "+strings.Join(f.profiles, " "))
	if err != nil {
		return nil, err
	}
	v.session = s
	if v.profiles, err = v.plan(ctx, s, nil); err != nil {
		return nil, err
	}
	for _, p := range v.profiles {
		p.provider.task.PrintNotes()
	}
	v.install()
	return v, nil
}

// plan plans the credentials of each profile. The list before contains the profiles that are already served, or is nil.
// These profiles keep their tokens. A profile whose plan has not changed also keeps its credentials.
func (v *profileServer) plan(ctx context.Context, s *app.Session, before []*servedProfile) ([]*servedProfile, error) {
	var profiles []*servedProfile
	for i, name := range v.flags.profiles {
		t := v.app.Task(s, app.Request{Verb: "serve", Flags: &v.flags.CredentialFlags, For: plan.Serve}, name)
		provider := newCredentialProvider(ctx, v.app, t)
		var err error
		if t.Plan, err = provider.plan(ctx); err != nil {
			return nil, err
		}
		if provider.auditor, err = t.Auditor(v.flags.audit); err != nil {
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
		Explain: func(err error) server.Refusal { return refusal(v.app, err) },
	}
	for _, p := range v.profiles {
		e.Mounts = append(e.Mounts, &server.Mount{
			Path: "/" + p.name, Token: server.DigestOf(p.token), Cache: p.lease, Roles: p.roles, Audit: p.provider.audit(),
		})
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

// close ends the background work.
func (v *profileServer) close() {
	for _, p := range v.profiles {
		p.close()
		p.provider.unattended.Wait()
	}
}

func (p *servedProfile) close() {
	p.lease.Close()
	p.roles.Close()
}

// watch reloads the config files when they change. If a reload fails, watch tries again, because the reason can be
// outside the config files: the keystore may be locked. The time between attempts grows to maxReloadPause.
func (v *profileServer) watch(ctx context.Context, interval time.Duration) {
	var failed error
	var pause, waited time.Duration
	for app.Sleep(ctx, interval) == nil {
		now := statFiles(v.files)
		changed := !sameFiles(v.read, now)
		waited += interval
		if !changed && (!mayRetry(failed) || waited < pause) {
			continue
		}
		before := failed
		v.read = now
		failed = v.reload(ctx)
		switch {
		case failed == nil:
			v.app.Note("the config file has changed; the new settings are in effect")
			notify(v.app, "STATUS=the config file was reloaded")
		case changed || before == nil || before.Error() != failed.Error(): // do not repeat a warning at each attempt
			v.app.Warn(fmt.Errorf("the config file has changed but cannot be used, so the previous settings stay in effect: %w", failed))
			notify(v.app, "STATUS=the changed config file cannot be used")
		}
		if pause, waited = min(2*pause, maxReloadPause), 0; changed {
			pause = interval
		}
	}
}

// maxReloadPause is the maximum time between two attempts to reload the config files.
const maxReloadPause = time.Minute

// mayRetry reports whether a reload that failed with the error err is tried again although the config files have not
// changed. If the user has cancelled a prompt, the reload is not tried again, because the prompt would appear again
// and again.
func mayRetry(err error) bool {
	var locked *keystore.LockedError
	return err != nil && !errors.Is(err, prompt.ErrCancelled) && !(errors.As(err, &locked) && locked.Dismissed)
}

// reload reads the config files again and serves the new settings. If reload fails, the server keeps the old settings.
func (v *profileServer) reload(ctx context.Context) error {
	config, in, err := v.app.ReadConfig(nil)
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
