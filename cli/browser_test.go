package cli_test

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// browserVariable names the variable that selects how the fake browser of a script behaves.
const browserVariable = "TEST_BROWSER"

// browse is the fake browser of a script. It appends the URL of the page to the file "opened", and then does what
// browserVariable selects.
func browse(page string) error {
	act, ok := browsers[os.Getenv(browserVariable)]
	if !ok {
		return errors.New("this script has no browser")
	}
	if f, err := os.OpenFile("opened", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		fmt.Fprintln(f, page)
		f.Close()
	}
	go act(page)
	return nil
}

var browsers = map[string]func(page string){
	"opens": func(page string) { printResponse(get(redirectTarget(page), nil)) },
	"silent": func(page string) {
		if resp, err := get(redirectTarget(page), nil); err == nil {
			resp.Body.Close()
		}
	},
	"denies":   func(page string) { printResponse(get(redirectTarget(page)+"&decision=deny", nil)) },
	"approves": func(page string) { redirectTarget(page); control("approve") },
	"refuses":  func(string) { control("deny") },
	"dallies":  func(string) { control("advance?by=11m") },
	"attacked": forgeCallbacks,
}

// forgeCallbacks sends forged callbacks to the program, and then one correct callback.
func forgeCallbacks(page string) {
	back := redirectOf(redirectTarget(page))
	q := back.Query()
	for _, a := range []func(*http.Request){
		func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, q.Get("state"), "another", 1) },
		func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") },
		func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") },
		func(r *http.Request) { r.Host = "evil.example.com:80" },
		func(r *http.Request) { r.Method = http.MethodPost },
		func(r *http.Request) { r.URL.Path = "/" },
	} {
		printResponse(get(back.String(), a))
	}
	printResponse(get(back.String(), nil))
}

// redirectTarget returns the URL to which a page redirects, and appends that URL to the file "led".
func redirectTarget(page string) string {
	to := redirectOf(linkIn(page)).String()
	if f, err := os.OpenFile("led", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		fmt.Fprintln(f, to)
		f.Close()
	}
	return to
}

// linkIn returns the link in the page if the page is a file. Otherwise it returns page itself.
func linkIn(page string) string {
	path, ok := strings.CutPrefix(page, "file://")
	if !ok {
		return page
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	_, link, _ := strings.Cut(string(text), `<a href="`)
	link, _, _ = strings.Cut(link, `"`)
	return html.UnescapeString(link)
}

// redirectOf returns the URL to which a page redirects.
func redirectOf(page string) *url.URL {
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(page)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		panic(fmt.Sprint(page, ": ", resp.Status))
	}
	return back
}

func get(page string, change func(*http.Request)) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodGet, page, nil)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(r)
	}
	return http.DefaultClient.Do(r)
}

func printResponse(resp *http.Response, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return
	}
	resp.Body.Close()
	fmt.Fprintln(os.Stderr, "browser:", resp.Status)
}

// control sends a control command to the fake AWS.
func control(act string) {
	resp, err := http.Post(os.Getenv("FAKE_URL")+"/_fake/"+act, "", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return
	}
	resp.Body.Close()
}
