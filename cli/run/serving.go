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

// A serving is one run of serve.
type serving struct {
	app     *app.App
	flags   serveFlags
	place   place
	session *app.Session
	audit   *audit
	places  []*servedProfile // in the order in which they were named
	handler atomic.Pointer[server.ECS]
}

// A servedProfile is one of the profiles that are served.
type servedProfile struct {
	name   string
	token  string
	supply *supply
	lease  *server.CredentialCache
	roles  *server.Roles
}

func (p *servedProfile) plan() plan.Plan { return p.supply.task.Plan }

// newServing puts together what is served, and serves nothing yet. What goes on in the background ends with ctx.
func newServing(ctx context.Context, a *app.App, f serveFlags, at place) (*serving, error) {
	s, err := a.Open(ctx, "serve "+strings.Join(f.profiles, " "))
	if err != nil {
		return nil, err
	}
	v := &serving{app: a, flags: f, place: at, session: s}
	if v.places, err = v.plan(ctx, s, nil); err != nil {
		return nil, err
	}
	for _, p := range v.places {
		p.supply.task.PrintNotes()
	}
	if v.audit, err = openAudit(a, f.audit); err != nil {
		return nil, err
	}
	v.install()
	return v, nil
}

// plan makes what is served of the profiles. One whose plan has not changed stays what it
// was, with its credentials, and all keep their tokens.
func (v *serving) plan(ctx context.Context, s *app.Session, before []*servedProfile) ([]*servedProfile, error) {
	var places []*servedProfile
	for i, name := range v.flags.profiles {
		t := v.app.Task(s, app.Request{Flags: &v.flags.CredentialFlags, For: plan.Serve}, name)
		from := newSupply(ctx, v.app, t)
		var err error
		if t.Plan, err = from.plan(ctx); err != nil {
			return nil, err
		}
		p := &servedProfile{name: name, supply: from, lease: from.lease(server.ECSMinValidity), roles: from.roles()}
		switch {
		case before == nil:
			p.token = newToken()
		case reflect.DeepEqual(before[i].plan(), p.plan()):
			p = before[i]
		default:
			p.token = before[i].token
		}
		places = append(places, p)
	}
	return places, nil
}

// install puts what is served into force.
func (v *serving) install() {
	e := &server.ECS{
		Filter:  server.Filter{Hosts: v.place.hosts()},
		Explain: func(err error) server.Refusal { return refusal(v.app, err) }, Audit: v.audit.hook(),
	}
	for _, p := range v.places {
		e.Mounts = append(e.Mounts, &server.Mount{Profile: p.name, Path: "/" + p.name, Token: server.DigestOf(p.token), Cache: p.lease, Roles: p.roles})
	}
	v.handler.Store(e)
}

// begin makes the first credentials of all profiles, one after the other: a person may be
// asked for each.
func (v *serving) begin(ctx context.Context) error {
	if v.flags.lazy {
		return nil
	}
	for _, p := range v.places {
		if err := p.supply.begin(ctx, p.lease); err != nil {
			return fmt.Errorf("profile %s: %w", p.name, err)
		}
	}
	return nil
}

func (v *serving) serve(ctx context.Context, l net.Listener) error {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.handler.Load().ServeHTTP(w, r) })
	return (&server.Server{Handler: h, Clock: v.places[0].supply.clock()}).Serve(ctx, l)
}

// close ends all that goes on in the background.
func (v *serving) close() {
	for _, p := range v.places {
		p.close()
		p.supply.unattended.Wait()
	}
	v.audit.Close()
}

func (p *servedProfile) close() {
	p.lease.Close()
	p.roles.Close()
}

// watch reloads the config files when they change.
func (v *serving) watch(ctx context.Context, interval time.Duration) {
	files := []string{v.app.Env.ConfigFile().Path, v.app.Env.CredentialsFile().Path}
	before := stats(files)
	for app.Sleep(ctx, interval) == nil {
		now := stats(files)
		if same(before, now) {
			continue
		}
		before = now
		if err := v.reload(ctx); err != nil {
			v.app.Warn(fmt.Errorf("the config has changed, and what was served before still is: %w", err))
			notify(v.app, "STATUS=the config cannot be served")
		} else {
			v.app.Note("the config has changed, and is served as it stands now")
			notify(v.app, "STATUS=the config was read again")
		}
	}
}

// reload serves what the config says now; one that says nothing sensible changes nothing.
func (v *serving) reload(ctx context.Context) error {
	config, in, err := v.app.Env.ReadConfig(nil)
	if err != nil {
		return err
	}
	s := v.app.Assemble(config, in, v.session.Locks, v.session.State, v.session.Keystore)
	before := v.places
	places, err := v.plan(ctx, s, before)
	if err != nil {
		return err
	}
	v.places = places
	v.install()
	for i, p := range before {
		if p != places[i] {
			p.close()
		}
	}
	return nil
}

func stats(files []string) []os.FileInfo {
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

// same reports whether files have not been written or replaced in between.
func same(a, b []os.FileInfo) bool {
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
