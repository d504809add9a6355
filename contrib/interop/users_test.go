//go:build interop && linux

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// The user ids of the victim and of the thief. The system has no accounts with these ids.
const (
	victim  = 20001
	stealer = 20002
)

// The number of rounds for each delay, and the number of rounds that run at the same time. A delay is how long the
// browser waits before it opens the page.
const (
	rounds   = 50
	together = 8
)

var delays = []time.Duration{0, 50 * time.Millisecond, 300 * time.Millisecond}

// users is a machine with two users. The victim runs aws-vault, and the thief attacks the victim's sign-ins.
type users struct {
	*world
	dir   string // a folder that victim and thief can enter
	self  string // a copy of the test binary that victim and thief can run
	thief *exec.Cmd
}

// as returns the attributes for starting a process as the user with this id.
func as(uid int) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
}

// newUsers starts the thief. It skips the test if the test does not run as root, because only root can start
// programs as other users.
func newUsers(t *testing.T) *users {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start programs of two users")
	}
	if mounts, err := os.ReadFile("/proc/mounts"); err != nil || strings.Contains(string(mounts), "hidepid=") && !strings.Contains(string(mounts), "hidepid=0") {
		t.Skipf("users cannot see the arguments of other users' processes (hidepid): hidepid, %v", err)
	}
	s := &users{world: newWorld(t, "file", passphrase), dir: newHome(t)}
	s.self = filepath.Join(s.dir, "xdg-open")
	for to, from := range map[string]string{s.self: "/proc/self/exe", filepath.Join(s.dir, "aws-vault"): s.program} {
		copyProgram(t, from, to)
	}
	s.program = filepath.Join(s.dir, "aws-vault")
	for name, uid := range map[string]int{"": 0, "thief": stealer, "thief/" + toldFolder: 0, "victim": victim} {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	s.thief = exec.Command(s.self)
	s.thief.Env, s.thief.Dir, s.thief.SysProcAttr, s.thief.Stderr = []string{thiefVariable + "=" + filepath.Join(s.dir, "thief")}, "/", as(stealer), os.Stderr
	if err := s.thief.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.thief.Process.Kill(); s.thief.Wait() })
	return s
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// thefts stops the thief and returns all its requests.
func (s *users) thefts() (all []theft) {
	s.t.Helper()
	folder := filepath.Join(s.dir, "thief")
	if err := os.WriteFile(filepath.Join(folder, endFile), nil, 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := s.thief.Wait(); err != nil {
		s.t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(folder, logFile))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var one theft
		if err := d.Decode(&one); err == io.EOF {
			return all
		} else if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one)
	}
}

// A round is one command that the victim runs, with its result.
type round struct {
	delay time.Duration
	name  string
	said  string // what the command printed to stderr
	err   error
	seen  visited
}

// watched is a writer for the stderr of a command. If the command prints the address of a page, watched passes the
// address to the thief.
type watched struct {
	mu   sync.Mutex
	said bytes.Buffer
	file string
	told bool
}

func (o *watched) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said.Write(p)
	if _, page, ok := strings.Cut(o.said.String(), ", or open "); ok && strings.Contains(page, "\n") && !o.told {
		o.told = true
		page, _, _ = strings.Cut(page, "\n")
		os.WriteFile(o.file, []byte(page), 0o644)
	}
	return len(p), nil
}

// play runs one command as the victim and returns its result.
func (s *users) play(home, name string, delay time.Duration, args ...string) round {
	r := round{delay: delay, name: name}
	v := visitor{Delay: delay, File: filepath.Join(home, "visited-"+name)}
	text, err := json.Marshal(v)
	if err != nil {
		r.err = err
		return r
	}
	stderr := &watched{file: filepath.Join(s.dir, "thief", toldFolder, name)}
	c := exec.Command(s.program, args...)
	c.Dir, c.SysProcAttr, c.Stderr = home, as(victim), stderr
	c.Env = append(s.victimEnv(home), "DISPLAY=:0", "PATH="+s.dir+":/usr/bin:/bin", visitorVariable+"="+string(text))
	r.err = c.Run()
	r.said = stderr.said.String()
	// The browser may write its file after the command has exited.
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(v.File); err == nil {
			r.err = joined(r.err, json.Unmarshal(text, &r.seen))
			return r
		}
	}
	r.err = joined(r.err, fmt.Errorf("the browser was not opened"))
	return r
}

// parameter returns the value of a parameter in an address, or an empty string if the address does not have the
// parameter.
func parameter(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

func joined(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (s *users) victimEnv(home string) []string {
	return []string{
		"HOME=" + home, "USER=alice", "LANG=C.UTF-8", "AWS_ENDPOINT_URL=" + s.aws.URL(), "AWS_VAULT_BACKEND=file", passphrase,
	}
}

// newHomeOf creates a home directory for the victim, with a config file that contains config.
func (s *users) newHomeOf(name, config string) string {
	s.t.Helper()
	home := filepath.Join(s.dir, "victim", name)
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	err := filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		return joined(err, os.Lchown(path, victim, victim))
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return home
}

// all plays the rounds of all delays, several rounds at the same time.
func (s *users) all(play func(name string, i int, delay time.Duration) round) []round {
	var played []round
	var mu sync.Mutex
	var group sync.WaitGroup
	room := make(chan struct{}, together)
	for _, delay := range delays {
		for i := range rounds {
			room <- struct{}{}
			group.Go(func() {
				defer func() { <-room }()
				r := play(fmt.Sprintf("%d-%d", delay.Milliseconds(), i), i, delay)
				mu.Lock()
				defer mu.Unlock()
				played = append(played, r)
			})
		}
	}
	group.Wait()
	return played
}

// warning is what a command prints when it has refused a connection from the thief.
var warning = fmt.Sprintf("aws-vault: warning: connection from user %d refused, expected user %d or root\n", stealer, victim)

// check checks that each command succeeded, and that the victim's browser reached the expected page. If the thief
// was refused, the command must have printed the warning. Otherwise, it must not have printed the warning. The
// function came reports whether the browser of a round reached the page. The function refused reports whether the
// round's page or callback refused the thief.
func (s *users) check(played []round, came func(round) bool, refused func(round) bool) {
	s.t.Helper()
	tried := map[time.Duration]int{}
	for _, r := range played {
		if r.err != nil || !came(r) {
			s.t.Errorf("round %s: %v, the browser came to %s: %s\n%s", r.name, r.err, r.seen.End, r.seen.Text, r.said)
		}
		if warned := strings.Contains(r.said, warning); warned != refused(r) {
			s.t.Errorf("round %s: the thief was refused: %v, and the command says\n%s", r.name, refused(r), r.said)
		} else if warned {
			tried[r.delay]++
		}
	}
	s.t.Logf("of %d rounds each, the thief was refused in %v", rounds, tried)
	if slowest := delays[len(delays)-1]; tried[slowest] == 0 {
		s.t.Error("the thief was never refused, so the test proves nothing")
	}
}

// Another user can see the address in the browser's arguments, and open it before the browser does. That user still
// cannot open the console.
func TestLoginWithAnotherUser(t *testing.T) {
	s := newUsers(t)
	home := s.newHomeOf("console", "[profile alice]\n\n[profile readonly]\nsource_profile = alice\nrole_arn = "+s.ReadOnly+"\nregion = eu-west-1\n")
	add := exec.Command(s.program, "add", "--stdin", "alice")
	add.Env, add.Dir, add.SysProcAttr, add.Stdin = s.victimEnv(home), home, as(victim), strings.NewReader(s.Key.ID+"\n"+s.Key.Secret+"\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	played := s.all(func(name string, _ int, delay time.Duration) round {
		return s.play(home, name, delay, "login", "readonly")
	})
	refused := map[string]bool{}
	for _, one := range s.thefts() {
		if strings.Contains(one.To+one.Text, leadsAway) {
			t.Errorf("the thief gets %s", one.Asked)
		}
		refused[one.Asked] = one.Status == 403
	}
	s.check(played, func(r round) bool { return strings.Contains(r.seen.End, leadsAway) }, func(r round) bool { return refused[r.seen.Page] })
}

// Another user knows everything about the victim's sign-in, and is faster than the victim. That user can neither
// replace the victim's sign-in with another one nor end it.
func TestSignInWithAnotherUser(t *testing.T) {
	s := newUsers(t)
	portal := s.aws.AddSSO(startURL, "eu-west-1")
	portal.Assign("123456789012", "Dev")
	portal.AutoApprove(true)
	s.aws.SetLogin("arn:aws:iam::123456789012:user/alice", true)
	issuer, err := s.aws.AddIssuer("123456789012", "corp", "aws-vault")
	if err != nil {
		t.Fatal(err)
	}
	issuer.People(fakeaws.Login{Subject: "alice", Auto: true})
	config := `[sso-session corp]
sso_start_url = ` + startURL + `
sso_region    = eu-west-1

[oidc-session id]
oidc_issuer    = ` + issuer.URL() + `
oidc_client_id = aws-vault
`
	commands := [][]string{{"sso", "login", "corp"}, {"oidc", "login", "id"}, {"aws-login", "console"}}
	played := s.all(func(name string, i int, delay time.Duration) round {
		return s.play(s.newHomeOf(name, config), name, delay, commands[i%len(commands)]...)
	})
	refused, his := map[string]bool{}, map[string]bool{}
	for _, one := range s.thefts() {
		if state := parameter(one.Asked, "state"); strings.Contains(one.Asked, "/oauth/callback?") {
			if one.Status == 200 {
				t.Errorf("the callback accepted the thief's request: %s", one.Text)
			}
			refused[state] = refused[state] || one.Status == 403
		} else {
			refused[one.Asked] = one.Status == 403
		}
		his[parameter(one.To, "code")] = true
	}
	delete(his, "")
	if len(his) == 0 {
		t.Error("the thief never completed a sign-in")
	}
	traded := 0
	for _, call := range s.aws.Calls() {
		if code := call.Params.Get("code"); code != "" && call.Code == "" {
			if traded++; his[code] {
				t.Error("a victim has signed in as the thief")
			}
		}
	}
	if want := len(played); traded != want {
		t.Errorf("%d codes were traded, want %d", traded, want)
	}
	s.check(played, func(r round) bool { return strings.Contains(r.seen.Text, "Go back to your terminal") }, func(r round) bool {
		return refused[r.seen.Page] || refused[parameter(r.seen.End, "state")]
	})
}
