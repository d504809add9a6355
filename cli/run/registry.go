package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aws-vault/cli/app"
	"aws-vault/vault/disk"
)

// A stand is a place where profiles are served, as the state folder knows it. A lock says
// that a process serves there; the lock ends with the process, however that ends.
type registration struct {
	dir   *disk.Folder
	name  string // of its files, without their endings
	lock  *disk.LockFile
	files []registryFile // to remove at the end
}

type registryFile struct {
	dir  *disk.Folder
	name string
}

// A registeredServer is what is served at a stand. It holds no secret.
type registeredServer struct {
	Process  int                 `json:"process"`
	Socket   string              `json:"socket,omitempty"`
	Address  string              `json:"address,omitempty"`
	Profiles []registeredProfile `json:"profiles"`
}

type registeredProfile struct {
	Name      string      `json:"name"`
	TokenFile string      `json:"token_file"`
	Token     string      `json:"token_digest"` // so that no other file is taken for it
	Variables [][2]string `json:"variables"`    // a name and its value
}

func (p registeredProfile) variables() (vars []variable) {
	for _, v := range p.Variables {
		vars = append(vars, variable{v[0], v[1]})
	}
	return vars
}

func registryFolder(state *disk.Folder) *disk.Folder { return state.Folder("serve") }

// registryLockTimeout is how long a place is waited for: another process that removes what a killed
// server has left there holds the lock for a moment.
const registryLockTimeout = time.Second

// register registers that this process serves at a place.
func register(ctx context.Context, state *disk.Folder, at endpoint) (*registration, error) {
	s := &registration{dir: registryFolder(state), name: app.Digest(at.String())}
	limited, cancel := context.WithTimeoutCause(ctx, registryLockTimeout, &listenError{at.String(), errServedAlready})
	defer cancel()
	var err error
	s.lock, err = s.dir.Lock(limited, s.name+".lock")
	return s, err
}

func (f registryFile) path() string { return f.dir.File(f.name) }

// tokenFile is the file of a profile's token.
func (s *registration) tokenFile(profile string) registryFile {
	return registryFile{s.dir, s.name + "-" + app.Digest(profile) + ".token"}
}

// write keeps a file until the end.
func (s *registration) write(f registryFile, data []byte) error {
	s.files = append(s.files, f)
	return f.dir.Write(f.name, data)
}

// unregister removes what the stand has written.
func (s *registration) unregister() {
	for _, f := range s.files {
		f.dir.Remove(f.name)
	}
	unlockRegistration(s.dir, s.name, s.lock)
}

// unlockRegistration ends a lock and removes its file, unless another process has the lock by then.
func unlockRegistration(dir *disk.Folder, name string, lock *disk.LockFile) {
	lock.Close()
	dir.RemoveLock(name + ".lock")
}

// announce writes the tokens and prints the variables that lead to them.
func (v *profileServer) announce(s *registration) error {
	var dir *disk.Folder
	if v.flags.tokenDir != "" {
		path, err := filepath.Abs(v.app.Env.Path(v.flags.tokenDir))
		if err == nil {
			err = privateFolder(path)
		}
		if err != nil {
			return fmt.Errorf("--token-dir: %w", err)
		}
		dir = disk.NewFolder(path)
	}
	entry := registeredServer{Process: os.Getpid(), Socket: v.endpoint.socket, Address: v.endpoint.address}
	for _, p := range v.profiles {
		file := s.tokenFile(p.name)
		if dir != nil {
			file = registryFile{dir, url.PathEscape(p.name)}
		}
		if err := s.write(file, []byte(p.token)); err != nil { // no line's end: SDKs refuse one
			return err
		}
		shown := registeredProfile{Name: p.name, TokenFile: file.path(), Token: app.Digest(p.token)}
		for _, each := range append(v.endpoint.variables(p.name, file.path()), regionAndEndpoint(p.plan())...) {
			shown.Variables = append(shown.Variables, [2]string{each.name, each.value})
		}
		entry.Profiles = append(entry.Profiles, shown)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	if err := s.write(registryFile{s.dir, s.name + ".json"}, text); err != nil {
		return err
	}
	return printVariables(v.app, v.flags.format, []registeredServer{entry})
}

// variables lead an SDK to a profile. Behind a proxy for containers, which has the token,
// it is the path that leads there.
func (p endpoint) variables(profile, tokenFile string) []variable {
	path := (&url.URL{Path: "/" + profile}).EscapedPath()
	if p.socket != "" {
		return []variable{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path}}
	}
	return []variable{{containerURI, "http://" + p.address + path}, {containerTokenFile, tokenFile}}
}

// A noServerError is returned if no server runs for the profiles.
type noServerError struct{}

func (noServerError) Error() string { return "nothing is served now" }

func (noServerError) Remedy() string {
	return "unset " + containerURI + " and " + containerTokenFile + " in shells that still have them: another user can listen there now"
}

// warnKilled warns of servers that were killed. Another user can listen at their ports now,
// and provide credentials of his own to programs that still have the variables.
func warnKilled(a *app.App, killed []registeredServer) {
	for _, e := range killed {
		if e.Address == "" {
			continue // only this user can replace a socket in a private folder
		}
		var names []string
		for _, p := range e.Profiles {
			names = append(names, p.Name)
		}
		a.Warn(fmt.Errorf("the server at %s (process %d) was killed, and another user can listen there now: do not use its variables any more (profiles: %s)",
			e.Address, e.Process, strings.Join(names, ", ")))
	}
}

// serveStatus says what is served, and how to get there.
func serveStatus(a *app.App, f serveFlags) error {
	state, err := a.State()
	if err != nil {
		return err
	}
	entries, killed, err := registeredServers(registryFolder(state))
	if err != nil {
		return err
	}
	warnKilled(a, killed)
	var found []registeredServer
	for _, e := range entries {
		e.Profiles = slices.DeleteFunc(e.Profiles, func(p registeredProfile) bool {
			return len(f.profiles) > 0 && !slices.Contains(f.profiles, p.Name)
		})
		if len(e.Profiles) > 0 {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return noServerError{}
	}
	for _, e := range found {
		for _, p := range e.Profiles {
			fmt.Fprintf(a.Env.Stderr, "profile %s at %s, by process %d, with the token in %s\n", p.Name, a.Env.Tilde(e.Socket+e.Address), e.Process, a.Env.Tilde(p.TokenFile))
		}
	}
	return printVariables(a, f.format, found)
}

// registeredServers returns the servers that run, and those that were killed, whose files it removes.
func registeredServers(dir *disk.Folder) (running, killed []registeredServer, err error) {
	files, err := dir.Entries()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var names []string
	for _, f := range files {
		names = append(names, registrationOf(f.Name()))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		lock, free, err := dir.TryLock(name + ".lock")
		if err != nil {
			return nil, nil, err
		}
		e, readErr := readRegisteredServer(dir, name)
		var kind *disk.KindError
		var owner *disk.OwnerError
		if errors.As(readErr, &kind) || errors.As(readErr, &owner) {
			if free {
				lock.Close()
			}
			return nil, nil, readErr
		}
		switch {
		case free:
			removeLeftovers(dir, name, files, e)
			unlockRegistration(dir, name, lock)
			if readErr == nil {
				killed = append(killed, e)
			}
		case readErr == nil:
			running = append(running, e)
		}
	}
	return running, killed, nil
}

// registrationOf returns the name of the stand that a file belongs to; empty for none.
func registrationOf(file string) string {
	name, ending, _ := strings.Cut(file, ".")
	switch ending {
	case "json", "lock":
		return name
	case "token":
		name, _, _ = strings.Cut(name, "-")
		return name
	}
	return ""
}

// maxRegistryFile bounds what is read of a stand, in bytes.
const maxRegistryFile = 1 << 20

func readRegisteredServer(dir *disk.Folder, name string) (e registeredServer, err error) {
	text, err := dir.Read(name+".json", maxRegistryFile)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// removeLeftovers removes what a killed server has left: tokens that open nothing any more, also
// those in a folder that the user named, unless another server has replaced them.
func removeLeftovers(dir *disk.Folder, name string, files []fs.DirEntry, e registeredServer) {
	for _, p := range e.Profiles {
		folder, file := disk.NewFolder(filepath.Dir(p.TokenFile)), filepath.Base(p.TokenFile)
		if text, err := folder.Read(file, maxRegistryFile); err == nil && p.Token == app.Digest(string(text)) {
			folder.Remove(file)
		}
	}
	for _, f := range files { // those of a server that was killed before it was registered, too
		if registrationOf(f.Name()) == name && !strings.HasSuffix(f.Name(), ".lock") {
			dir.Remove(f.Name())
		}
	}
}
