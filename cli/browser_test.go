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

// browserVariable says what the browser of a script does with the pages it is given.
const browserVariable = "TEST_BROWSER"

// browse is the browser of a script, which tells on stderr what it met.
func browse(page string) error {
	act, ok := browsers[os.Getenv(browserVariable)]
	if !ok {
		return errors.New("there is no browser in this script")
	}
	if f, err := os.OpenFile("opened", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		fmt.Fprintln(f, page)
		f.Close()
	}
	go act(page)
	return nil
}

var browsers = map[string]func(page string){
	"opens": func(page string) { met(get(led(page), nil)) },
	"silent": func(page string) {
		if resp, err := get(led(page), nil); err == nil {
			resp.Body.Close()
		}
	},
	"denies":   func(page string) { met(get(led(page)+"&decision=deny", nil)) },
	"approves": func(page string) { led(page); control("approve") },
	"refuses":  func(string) { control("deny") },
	"dallies":  func(string) { control("advance?by=11m") },
	"attacked": attacked,
}

// attacked opens the page after others have tried to answer in its place.
func attacked(page string) {
	back := answerTo(led(page))
	q := back.Query()
	for _, a := range []func(*http.Request){
		func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, q.Get("state"), "another", 1) },
		func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") },
		func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") },
		func(r *http.Request) { r.Host = "evil.example.com:80" },
		func(r *http.Request) { r.Method = http.MethodPost },
		func(r *http.Request) { r.URL.Path = "/" },
	} {
		met(get(back.String(), a))
	}
	met(get(back.String(), nil))
}

// led is where a browser is led by the page that it is given, which is written into the file "led".
func led(page string) string {
	to := answerTo(linkIn(page)).String()
	if f, err := os.OpenFile("led", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		fmt.Fprintln(f, to)
		f.Close()
	}
	return to
}

// linkIn is the link of a page that is a file; the address of any other page.
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

// answerTo is where a page sends the browser on to.
func answerTo(page string) *url.URL {
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

func met(resp *http.Response, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return
	}
	resp.Body.Close()
	fmt.Fprintln(os.Stderr, "browser:", resp.Status)
}

// control has the fake do something.
func control(act string) {
	resp, err := http.Post(os.Getenv("FAKE_URL")+"/_fake/"+act, "", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return
	}
	resp.Body.Close()
}
