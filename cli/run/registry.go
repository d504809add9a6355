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
	"aws-vault/vault/printable"
)

// A registration records a running server in the state folder. The server holds a lock as long as it runs. If the
// process is killed, the system releases the lock.
type registration struct {
	at    endpoint
	dir   *disk.Folder
	name  string // the name of the registration's files, without extension
	lock  *disk.LockFile
	files []registryFile // the files to remove when the server ends
}

type registryFile struct {
	dir  *disk.Folder
	name string
}

// A registeredServer describes a running server. It contains no secret.
type registeredServer struct {
	Process  int                 `json:"process"`
	Socket   string              `json:"socket,omitempty"`
	Address  string              `json:"address,omitempty"`
	Profiles []registeredProfile `json:"profiles"`
}

type registeredProfile struct {
	Name      string      `json:"name"`
	TokenFile string      `json:"token_file"`
	Token     string      `json:"token_digest"` // digest of the token; removeLeftovers keeps a token file that contains another token
	Variables [][2]string `json:"variables"`    // each element is a name and a value; for containers, see containerVariables
}

func (p registeredProfile) variables() (vars []variable) {
	for _, v := range p.Variables {
		vars = append(vars, variable{v[0], v[1]})
	}
	return vars
}

func registryFolder(state *disk.Folder) *disk.Folder { return state.Folder("serve") }

// registryLockTimeout is how long register waits for the lock of an endpoint. Another process holds this lock for a
// short time while it removes the files of a killed server.
const registryLockTimeout = time.Second

// register records that this process listens at an endpoint. It returns errServedAlready if another process listens
// there.
func register(ctx context.Context, state *disk.Folder, at endpoint) (*registration, error) {
	s := &registration{at: at, dir: registryFolder(state), name: app.Digest(at.String())}
	limited, cancel := context.WithTimeoutCause(ctx, registryLockTimeout, &listenError{at.String(), errServedAlready})
	defer cancel()
	var err error
	s.lock, err = s.dir.Lock(limited, s.name+".lock")
	return s, err
}

func (f registryFile) path() string { return f.dir.File(f.name) }

// tokenFile returns the token file of a profile if --token-dir is not given.
func (s *registration) tokenFile(profile string) registryFile {
	return registryFile{s.dir, s.name + "-" + app.Digest(profile) + ".token"}
}

// write writes a file, and records it so that unregister removes it.
func (s *registration) write(f registryFile, data []byte) error {
	s.files = append(s.files, f)
	return f.dir.Write(f.name, data)
}

// unregister removes the files of the registration and releases its lock.
func (s *registration) unregister() {
	for _, f := range s.files {
		f.dir.Remove(f.name)
	}
	unlockRegistration(s.dir, s.name, s.lock)
}

// unlockRegistration releases a lock and removes the lock's file. If another process acquires the lock in between, the
// file stays.
func unlockRegistration(dir *disk.Folder, name string, lock *disk.LockFile) {
	lock.Close()
	dir.RemoveLock(name + ".lock")
}

// announce writes the token files and the registration, and prints the variables that SDKs use to find the server.
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
		if err := s.write(file, []byte(p.token)); err != nil { // SDKs do not accept a newline after the token
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
	return printVariables(v.app, v.flags.format, v.flags.containers, []registeredServer{entry})
}

// variables returns the variables with which an SDK requests the credentials of a profile. It returns none for a
// socket, to which only the proxy for containers connects.
func (p endpoint) variables(profile, tokenFile string) []variable {
	if p.socket != "" {
		return nil
	}
	path := (&url.URL{Path: "/" + profile}).EscapedPath()
	return []variable{{containerURI, "http://" + p.address + path}, {containerTokenFile, tokenFile}}
}

// A noServerError reports that no running server has the requested profiles.
type noServerError struct{}

func (noServerError) Error() string { return "no aws-vault serve is running for these profiles" }

func (noServerError) Remedy() string {
	return "start a server with aws-vault serve PROFILE; in shells that used an earlier server, unset " + containerURI + " and " + containerTokenFile
}

// warnKilled warns about servers that were killed. Programs may still have the variables of a killed server.
// Another user can then listen at the server's port and provide other credentials to these programs.
func warnKilled(a *app.App, killed []registeredServer) {
	for _, e := range killed {
		if e.Address == "" {
			continue // the folder of a socket is private, so another user cannot replace the socket
		}
		var names []string
		for _, p := range e.Profiles {
			names = append(names, p.Name)
		}
		a.Warn(fmt.Errorf("the server at %s (process %d) was killed, and another user can listen there now; unset its variables (profiles: %s)",
			e.Address, e.Process, strings.Join(names, ", ")))
	}
}

// serveStatus lists the running servers on stderr and prints their variables to stdout.
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
			fmt.Fprintf(a.Env.Stderr, "profile %s at %s, process %d, token file %s\n", printable.Text(p.Name), a.Env.Tilde(e.Socket+e.Address), e.Process, a.Env.Tilde(p.TokenFile))
		}
	}
	return printVariables(a, f.format, f.containers, found)
}

// registeredServers returns the running servers and the killed servers, and removes the files of killed servers.
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

// registrationOf returns the name of the registration that a file belongs to, or an empty string if the file
// belongs to no registration.
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

// maxRegistryFile limits the size of a registry file, in bytes.
const maxRegistryFile = 1 << 20

func readRegisteredServer(dir *disk.Folder, name string) (e registeredServer, err error) {
	text, err := dir.Read(name+".json", maxRegistryFile)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// removeLeftovers removes the files of a killed server from the registry. It also removes the server's token files in
// other folders, unless another server has overwritten them.
func removeLeftovers(dir *disk.Folder, name string, files []fs.DirEntry, e registeredServer) {
	for _, p := range e.Profiles {
		folder, file := disk.NewFolder(filepath.Dir(p.TokenFile)), filepath.Base(p.TokenFile)
		if text, err := folder.Read(file, maxRegistryFile); err == nil && p.Token == app.Digest(string(text)) {
			folder.Remove(file)
		}
	}
	for _, f := range files { // also remove the files of a server that was killed before it wrote its registration
		if registrationOf(f.Name()) == name && !strings.HasSuffix(f.Name(), ".lock") {
			dir.Remove(f.Name())
		}
	}
}
