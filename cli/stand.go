package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aws-vault/vault/disk"
)

// A stand is a place where profiles are served, as the state folder knows it. A lock says
// that somebody serves there; it goes with its process, however that ends.
type stand struct {
	path  string // of its files, without their endings
	lock  *disk.LockFile
	files []string // to be taken away at the end
}

// A standEntry is what is served at a stand. It holds no secret.
type standEntry struct {
	Process  int            `json:"process"`
	Socket   string         `json:"socket,omitempty"`
	Address  string         `json:"address,omitempty"`
	Profiles []standProfile `json:"profiles"`
}

type standProfile struct {
	Name      string      `json:"name"`
	TokenFile string      `json:"token_file"`
	Variables [][2]string `json:"variables"` // a name and its value
}

func (p standProfile) variables() (vars []variable) {
	for _, v := range p.Variables {
		vars = append(vars, variable{v[0], v[1]})
	}
	return vars
}

func standFolder(state string) string { return filepath.Join(state, "serve") }

// takeStand says that this process serves at a place.
func takeStand(state string, at place) (*stand, error) {
	dir := standFolder(state)
	if err := disk.MkdirPrivate(dir); err != nil {
		return nil, err
	}
	s := &stand{path: filepath.Join(dir, digest(at.String()))}
	lock, held, err := disk.TryLock(s.path + ".lock")
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, &placeError{at.String(), errServedAlready}
	}
	s.lock = lock
	return s, nil
}

// tokenFile is where the token of a profile lies.
func (s *stand) tokenFile(profile string) string { return s.path + "-" + digest(profile) + ".token" }

// write keeps a file until the end.
func (s *stand) write(path string, data []byte) error {
	s.files = append(s.files, path)
	return disk.Replace(path, data, 0o600)
}

// leave takes away what the stand has written.
func (s *stand) leave() {
	for _, path := range s.files {
		os.Remove(path)
	}
	s.lock.Close()
}

// announce writes the tokens and prints the variables that lead to them.
func (v *serving) announce(s *stand) error {
	dir := ""
	if v.flags.tokenDir != "" {
		var err error
		if dir, err = filepath.Abs(v.app.path(v.flags.tokenDir)); err == nil {
			err = privateFolder(dir)
		}
		if err != nil {
			return fmt.Errorf("--token-dir: %w", err)
		}
	}
	entry := standEntry{Process: os.Getpid(), Socket: v.place.socket, Address: v.place.address}
	for _, p := range v.places {
		file := s.tokenFile(p.name)
		if dir != "" {
			file = filepath.Join(dir, url.PathEscape(p.name))
		}
		if err := s.write(file, []byte(p.token)); err != nil { // no line's end: SDKs refuse one
			return err
		}
		shown := standProfile{Name: p.name, TokenFile: file}
		for _, each := range append(v.place.variables(p.name, file), surroundings(p.plan)...) {
			shown.Variables = append(shown.Variables, [2]string{each.name, each.value})
		}
		entry.Profiles = append(entry.Profiles, shown)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	if err := s.write(s.path+".json", text); err != nil {
		return err
	}
	return v.app.printStands(v.flags.format, []standEntry{entry})
}

// variables lead an SDK to a profile. Behind a proxy for containers, which has the token,
// it is the path that leads there.
func (p place) variables(profile, tokenFile string) []variable {
	path := (&url.URL{Path: "/" + profile}).EscapedPath()
	if p.socket != "" {
		return []variable{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path}}
	}
	return []variable{{containerURI, "http://" + p.address + path}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", tokenFile}}
}

// errNothingServed is for a machine where nobody serves.
var errNothingServed = errors.New("nothing is served now")

// serveStatus says what is served, and how to get there.
func (a *app) serveStatus(f serveFlags) error {
	state, err := a.stateDir()
	if err != nil {
		return err
	}
	entries, err := stands(standFolder(state))
	if err != nil {
		return err
	}
	var found []standEntry
	for _, e := range entries {
		e.Profiles = slices.DeleteFunc(e.Profiles, func(p standProfile) bool {
			return len(f.profiles) > 0 && !slices.Contains(f.profiles, p.Name)
		})
		if len(e.Profiles) > 0 {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return errNothingServed
	}
	for _, e := range found {
		for _, p := range e.Profiles {
			fmt.Fprintf(a.env.Stderr, "profile %s at %s, by process %d, with the token in %s\n", p.Name, a.tilde(e.Socket+e.Address), e.Process, a.tilde(p.TokenFile))
		}
	}
	return a.printStands(f.format, found)
}

// stands are those where somebody serves. What others have left is taken away.
func stands(dir string) ([]standEntry, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var entries []standEntry
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok {
			continue
		}
		path := filepath.Join(dir, name)
		lock, free, err := disk.TryLock(path + ".lock")
		if err != nil {
			return nil, err
		}
		if free {
			sweepStand(path)
			lock.Close()
			continue
		}
		if e, err := readStand(path + ".json"); err == nil {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// maxStand bounds what is read of a stand, in bytes.
const maxStand = 1 << 20

func readStand(path string) (e standEntry, err error) {
	text, err := disk.ReadBounded(path, maxStand)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// sweepStand takes away what a server that was killed has left: tokens that open nothing.
func sweepStand(path string) {
	if e, err := readStand(path + ".json"); err == nil {
		for _, p := range e.Profiles {
			if strings.HasPrefix(p.TokenFile, path+"-") { // ours, and not where a user wanted it
				os.Remove(p.TokenFile)
			}
		}
	}
	os.Remove(path + ".json")
}
