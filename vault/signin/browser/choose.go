package browser

import (
	"fmt"
	"net/url"
	"strings"
)

// A kind describes a supported browser, with its program names and flags.
type kind struct {
	name     string
	programs []string // names of the executable file, the most common name first
	app      string   // name of the application on macOS
	profile  string   // flag that selects a profile; empty for Firefox, which has containers instead
	private  string   // flag that opens a private window
}

// kinds are the supported browsers. The choice Private uses the first browser in the list that is installed.
var kinds = []kind{
	{"firefox", []string{"firefox", "firefox-esr"}, "Firefox", "", "--private-window"},
	{"chromium", []string{"chromium", "chromium-browser"}, "Chromium", "--profile-directory=", "--incognito"},
	{"chrome", []string{"google-chrome", "google-chrome-stable", "chrome"}, "Google Chrome", "--profile-directory=", "--incognito"},
	{"brave", []string{"brave-browser", "brave"}, "Brave Browser", "--profile-directory=", "--incognito"},
	{"edge", []string{"microsoft-edge", "microsoft-edge-stable", "msedge"}, "Microsoft Edge", "--profile-directory=", "--inprivate"},
}

// Private is the name of a choice that opens a private window in any installed browser.
const Private = "private"

// A Choice selects a browser, and optionally a profile or container in it. The zero Choice is the system's
// default browser.
type Choice struct {
	Name    string // name of a browser, or Private; empty for the default browser
	Profile string // Chromium profile or Firefox container; empty for none
}

// UnknownError reports an unsupported browser name.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("browser is %.80q, expected one of %s, optionally followed by :PROFILE or, for firefox, :CONTAINER", e.Name, strings.Join(Names(), ", "))
}

// NotFoundError reports that a browser is not installed.
type NotFoundError struct {
	Name  string
	Tried []string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("browser %s not found (looked for %s)", e.Name, strings.Join(e.Tried, ", "))
}

// Names returns the supported browser names.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return append(names, Private)
}

// Parse parses a choice such as "chromium:Work", "firefox:prod", "private" or "". If only a container is given, the
// browser is Firefox. If the browser's name is not supported, Parse returns an [*UnknownError].
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

// Command returns the command line that opens the given address in the chosen browser. The choice must not be the
// zero Choice. The function look finds a program, as exec.LookPath does. If the browser is not installed, Command
// returns a [*NotFoundError].
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

// pageLink returns the link that opens the given address in the chosen Firefox container. In two cases, it returns
// the address unchanged. In the first case, no container is chosen. In the second case, the address is that of a
// file, which an extension cannot open. The file then contains the container link.
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

// containerLink returns a link that the Firefox extension "Open external links in a container" opens in the
// named container.
// https://addons.mozilla.org/firefox/addon/open-url-in-container/
func containerLink(container, address string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return "ext+container:name=" + escape(container) + "&url=" + escape(address)
}

// findProgram returns the command line of the browser. It tries the names in order, and uses the first program
// that the function look finds.
func (k kind) findProgram(args []string, names []string, look func(string) (string, error)) ([]string, error) {
	for _, name := range names {
		if path, err := look(name); err == nil {
			return append([]string{path}, args...), nil
		}
	}
	return nil, &NotFoundError{Name: k.name, Tried: names}
}
