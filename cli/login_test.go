package cli_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The browser "follows" runs in its own process, because it must continue after aws-vault has ended.
func init() {
	browsers["follows"] = func(page string) {
		if err := exec.Command("follower", page).Start(); err != nil {
			fmt.Fprintln(os.Stderr, "browser:", err)
		}
	}
}

// namedBrowser is a browser that the user selects by name, such as firefox. It records its arguments and the redirects
// of the page that it opens.
func namedBrowser() {
	recordVisit(strings.Join(os.Args[1:], " "), os.Args[len(os.Args)-1])
}

// recordVisit appends a browser's arguments and the redirects of the page to the file "browsed".
func recordVisit(told, page string) {
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	f, err := os.OpenFile("browsed", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	defer fmt.Fprintln(f, "done")
	fmt.Fprintf(f, "told %s\n", told)
	if path, ok := strings.CutPrefix(page, "file://"); ok {
		file, err := os.Stat(path)
		folder, folderErr := os.Stat(filepath.Dir(path))
		if err != nil || folderErr != nil {
			fmt.Fprintln(f, err, folderErr)
			return
		}
		fmt.Fprintf(f, "file %o in %o\n", file.Mode().Perm(), folder.Mode().Perm())
		page = linkIn(page)
	}
	if _, link, ok := strings.Cut(page, "&url="); ok {
		page, _ = url.QueryUnescape(link)
	}
	for range 3 {
		resp, err := c.Get(page)
		if err != nil {
			fmt.Fprintln(f, err)
			return
		}
		resp.Body.Close()
		fmt.Fprintln(f, resp.Status, resp.Header.Get("Location"))
		if page = resp.Header.Get("Location"); !strings.HasPrefix(page, "http://127.0.0.1") {
			return
		}
	}
}

// browsed implements a command of scripts. It waits until the browser has recorded its visit.
func browsed(ts *testscript.TestScript, _ bool, _ []string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs("browsed")); err == nil && strings.HasSuffix(string(text), "done\n") {
			return
		}
	}
	ts.Fatalf("the browser did not finish within 20 s")
}
