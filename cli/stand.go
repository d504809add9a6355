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
	dir   *disk.Folder
	name  string // of its files, without their endings
	lock  *disk.LockFile
	files []standFile // to be removed at the end
}

type standFile struct {
	dir  *disk.Folder
	name string
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

func standFolder(state *disk.Folder) *disk.Folder { return state.Folder("serve") }

// takeStand says that this process serves at a place.
func takeStand(state *disk.Folder, at place) (*stand, error) {
	s := &stand{dir: standFolder(state), name: digest(at.String())}
	lock, held, err := s.dir.TryLock(s.name + ".lock")
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, &placeError{at.String(), errServedAlready}
	}
	s.lock = lock
	return s, nil
}

func (f standFile) path() string { return f.dir.File(f.name) }

// tokenFile is the file of a profile's token.
func (s *stand) tokenFile(profile string) standFile {
	return standFile{s.dir, s.name + "-" + digest(profile) + ".token"}
}

// write keeps a file until the end.
func (s *stand) write(f standFile, data []byte) error {
	s.files = append(s.files, f)
	return f.dir.Write(f.name, data)
}

// leave takes away what the stand has written.
func (s *stand) leave() {
	for _, f := range s.files {
		f.dir.Remove(f.name)
	}
	s.lock.Close()
}

// announce writes the tokens and prints the variables that lead to them.
func (v *serving) announce(s *stand) error {
	var dir *disk.Folder
	if v.flags.tokenDir != "" {
		path, err := filepath.Abs(v.app.path(v.flags.tokenDir))
		if err == nil {
			err = privateFolder(path)
		}
		if err != nil {
			return fmt.Errorf("--token-dir: %w", err)
		}
		dir = disk.NewFolder(path)
	}
	entry := standEntry{Process: os.Getpid(), Socket: v.place.socket, Address: v.place.address}
	for _, p := range v.places {
		file := s.tokenFile(p.name)
		if dir != nil {
			file = standFile{dir, url.PathEscape(p.name)}
		}
		if err := s.write(file, []byte(p.token)); err != nil { // no line's end: SDKs refuse one
			return err
		}
		shown := standProfile{Name: p.name, TokenFile: file.path()}
		for _, each := range append(v.place.variables(p.name, file.path()), surroundings(p.plan)...) {
			shown.Variables = append(shown.Variables, [2]string{each.name, each.value})
		}
		entry.Profiles = append(entry.Profiles, shown)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	if err := s.write(standFile{s.dir, s.name + ".json"}, text); err != nil {
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
	state, err := a.state()
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
func stands(dir *disk.Folder) ([]standEntry, error) {
	files, err := dir.Entries()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var entries []standEntry
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok {
			continue
		}
		lock, free, err := dir.TryLock(name + ".lock")
		if err != nil {
			return nil, err
		}
		if free {
			sweepStand(dir, name)
			lock.Close()
			continue
		}
		if e, err := readStand(dir, name); err == nil {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// maxStand bounds what is read of a stand, in bytes.
const maxStand = 1 << 20

func readStand(dir *disk.Folder, name string) (e standEntry, err error) {
	text, err := dir.Read(name+".json", maxStand)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// sweepStand takes away what a server that was killed has left: tokens that open nothing.
func sweepStand(dir *disk.Folder, name string) {
	if e, err := readStand(dir, name); err == nil {
		for _, p := range e.Profiles {
			file := filepath.Base(p.TokenFile)
			if p.TokenFile == dir.File(file) && strings.HasPrefix(file, name+"-") { // ours, and not where a user wanted it
				dir.Remove(file)
			}
		}
	}
	dir.Remove(name + ".json")
}
