//go:build interop && linux

package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A visitor is a simulated browser that waits before it opens a page. It writes what it has seen to a file.
type visitor struct {
	Delay time.Duration
	File  string
}

// visited is the record that a visitor writes to its file.
type visited struct {
	Page string // the address that the visitor was given
	End  string // the address after the last redirect
	Text string
}

// visitorVariable makes the test binary run as a visitor. The variable contains the visitor's fields as JSON.
// thiefVariable makes the test binary run as the thief. The variable contains the path of the thief's folder.
const (
	visitorVariable = "INTEROP_VISITOR"
	thiefVariable   = "INTEROP_THIEF"
)

// leadsAway is a part of the console's address. A visitor does not follow a redirect to an address with this part.
const leadsAway = "SigninToken="

// visits is the main function when the test binary runs as a visitor. It returns the exit status.
func visits(who string, args []string) int {
	var v visitor
	if json.Unmarshal([]byte(who), &v) != nil || len(args) != 1 {
		return 1
	}
	time.Sleep(v.Delay)
	seen := visited{Page: args[0], End: args[0]}
	client := http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if seen.End = r.URL.String(); strings.Contains(seen.End, leadsAway) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	if resp, err := client.Get(args[0]); err != nil {
		seen.Text = err.Error()
	} else {
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		seen.Text = resp.Status + " " + string(text)
	}
	text, err := json.Marshal(seen)
	if err == nil {
		err = os.WriteFile(v.File+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(v.File+".new", v.File)
	}
	if err != nil {
		return 1
	}
	return 0
}

// A theft is one request from the thief, with the response.
type theft struct {
	Asked  string // the address that the thief requested
	Status int    // the HTTP status; 0 if there was no response
	To     string // the address to which the response redirects
	Text   string
}

// A thief is a fast attacker. It searches for addresses of local pages in the arguments of all programs, and in a
// folder where the test writes addresses that the thief could have seen on the screen. It writes each request to a log
// in its own folder, one theft per line.
type thief struct {
	folder string
	mu     sync.Mutex
	log    *json.Encoder
	seen   map[string]bool
	work   sync.WaitGroup
}

// toldFolder names the folder for files with addresses that the thief could have seen on the screen. When the file
// named by endFile exists, the thief stops.
const (
	toldFolder = "told"
	endFile    = "end"
	logFile    = "log"
)

// link matches the address of a page on this machine.
var link = regexp.MustCompile(`http://127\.0\.0\.1:\d+/[^\s"'<>]+`)

// steals is the main function when the test binary runs as the thief. It returns the exit status.
func steals(folder string) int {
	f, err := os.OpenFile(filepath.Join(folder, logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer f.Close()
	t := &thief{folder: folder, log: json.NewEncoder(f), seen: map[string]bool{}}
	for {
		files, err := filepath.Glob("/proc/[0-9]*/cmdline")
		told, toldErr := filepath.Glob(filepath.Join(folder, toldFolder, "*"))
		if err != nil || toldErr != nil {
			return 1
		}
		for _, path := range append(files, told...) {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // the program has ended
			}
			for _, page := range link.FindAllString(strings.ReplaceAll(string(text), "\x00", " "), -1) {
				if !t.seen[page] {
					t.seen[page] = true
					t.work.Go(func() { t.attack(page) })
				}
			}
		}
		if _, err := os.Stat(filepath.Join(folder, endFile)); err == nil {
			break
		}
	}
	t.work.Wait()
	return 0
}

// ask requests a page as a browser does, but does not follow redirects.
func (t *thief) ask(page string) theft {
	got := theft{Asked: page}
	client := http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(page)
	if err != nil {
		got.Text = err.Error()
	} else {
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got.Status, got.To, got.Text = resp.StatusCode, resp.Header.Get("Location"), string(text)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log.Encode(got)
	return got
}

// attack attacks the sign-in that a local page starts. It opens the sign-in page as the thief. If this sign-in
// succeeds, attack sends two requests to the victim's callback: one with the thief's code, and one with a refusal.
func (t *thief) attack(page string) {
	if !strings.Contains(page, "state=") {
		if page = t.ask(page).To; !strings.Contains(page, "state=") {
			return
		}
	}
	answer, err := url.Parse(t.ask(page).To)
	if err != nil || answer.Path != "/oauth/callback" {
		return
	}
	q := answer.Query()
	q.Del("code")
	q.Set("error", "access_denied")
	refusal := *answer
	refusal.RawQuery = q.Encode()
	for _, each := range []*url.URL{answer, &refusal} {
		t.work.Go(func() { t.ask(each.String()) })
	}
}
