package browser

import (
	"fmt"
	"net/url"
	"strings"
)

// A kind is a browser, as far as it differs from others.
type kind struct {
	name     string
	programs []string // by which it goes, the usual one first
	app      string   // that macOS knows it by
	profile  string   // the flag that names a profile; empty where it has containers
	private  string   // the flag for a private window
}

// kinds are the browsers that can be named. A private window is opened in the first that
// is there.
var kinds = []kind{
	{"firefox", []string{"firefox", "firefox-esr"}, "Firefox", "", "--private-window"},
	{"chromium", []string{"chromium", "chromium-browser"}, "Chromium", "--profile-directory=", "--incognito"},
	{"chrome", []string{"google-chrome", "google-chrome-stable", "chrome"}, "Google Chrome", "--profile-directory=", "--incognito"},
	{"brave", []string{"brave-browser", "brave"}, "Brave Browser", "--profile-directory=", "--incognito"},
	{"edge", []string{"microsoft-edge", "microsoft-edge-stable", "msedge"}, "Microsoft Edge", "--profile-directory=", "--inprivate"},
}

// Private asks for a private window, in whichever browser there is.
const Private = "private"

// A Choice is the browser, and the part of it, that a page is opened in. The zero Choice is
// the system's own.
type Choice struct {
	Name    string // of a browser, or Private; empty for the system's own
	Profile string // a profile of Chromium and its kin, a container of Firefox; empty for none
}

// UnknownError is returned for a browser that this program cannot name.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("browser is %.80q, want one of %s, all but the last with :PROFILE or :CONTAINER behind it if need be", e.Name, strings.Join(Names(), ", "))
}

// NotFoundError is returned for a browser that is not on this machine.
type NotFoundError struct {
	Name  string
	Tried []string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("browser %s was not found, as any of %s", e.Name, strings.Join(e.Tried, ", "))
}

// Names are the browsers that can be named.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return append(names, Private)
}

// Parse reads a choice such as chromium:Work, firefox:prod, private, or nothing. A
// container without a browser is Firefox's. It returns an [*UnknownError] for any other.
func Parse(text, container string) (Choice, error) {
	name, part, _ := strings.Cut(text, ":")
	c := Choice{Name: name, Profile: part}
	if c.Name == "" && container != "" {
		c.Name = "firefox"
	}
	if c.Name == "firefox" && c.Profile == "" {
		c.Profile = container
	}
	if _, ok := find(c.Name); !ok && c.Name != "" && text != Private || text != "" && name == "" {
		return Choice{}, &UnknownError{Name: text}
	}
	return c, nil
}

func find(name string) (kind, bool) {
	for _, k := range kinds {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// Command returns the program that opens the page at an address in the browser of the
// choice, which is not the zero one, and its arguments. look finds a program, as
// exec.LookPath does. It returns a [*NotFoundError] where the browser is not there.
func (c Choice) Command(address string, look func(program string) (string, error)) ([]string, error) {
	if c.Name == Private {
		return privateWindow(address, look)
	}
	k, ok := find(c.Name)
	if !ok {
		return nil, &UnknownError{Name: c.Name}
	}
	var flags []string
	switch {
	case c.Profile != "" && k.profile != "":
		flags = []string{k.profile + c.Profile}
	default:
		address = c.pageLink(address)
	}
	return k.command(append(flags, address), look)
}

// pageLink is the address that opens a page in the part of the browser that has no flag. A page
// that is a file holds such a link itself: an extension may open no files.
func (c Choice) pageLink(address string) string {
	if k, ok := find(c.Name); ok && c.Profile != "" && k.profile == "" && !strings.HasPrefix(address, "file:") {
		return containerLink(c.Profile, address)
	}
	return address
}

func privateWindow(address string, look func(string) (string, error)) ([]string, error) {
	e := &NotFoundError{Name: "with a private window"}
	for _, k := range kinds {
		argv, err := k.command([]string{k.private, address}, look)
		if err == nil {
			return argv, nil
		}
		e.Tried = append(e.Tried, k.name)
	}
	return nil, e
}

// containerLink is the address that the extension "Open external links in a container"
// opens in a container.
// https://addons.mozilla.org/firefox/addon/open-url-in-container/
func containerLink(container, address string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return "ext+container:name=" + escape(container) + "&url=" + escape(address)
}

// findProgram is the command of a browser whose program is looked for by its names.
func (k kind) findProgram(args []string, names []string, look func(string) (string, error)) ([]string, error) {
	for _, name := range names {
		if path, err := look(name); err == nil {
			return append([]string{path}, args...), nil
		}
	}
	return nil, &NotFoundError{Name: k.name, Tried: names}
}
