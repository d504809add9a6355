package browser

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text, container string
		want            Choice
		ok              bool
	}{
		{"", "", Choice{}, true},
		{"chromium", "", Choice{"chromium", ""}, true},
		{"chromium:Profile 1", "", Choice{"chromium", "Profile 1"}, true},
		{"chrome:a:b", "x", Choice{"chrome", "a:b"}, true},
		{"firefox", "prod", Choice{"firefox", "prod"}, true},
		{"firefox:dev", "prod", Choice{"firefox", "dev"}, true},
		{"", "prod", Choice{"firefox", "prod"}, true},
		{"private", "prod", Choice{"private", ""}, true},
		{"private:x", "", Choice{}, false},
		{"mosaic", "", Choice{}, false},
		{":x", "", Choice{}, false},
		{"/bin/sh", "", Choice{}, false},
	} {
		got, err := Parse(tt.text, tt.container)
		var e *UnknownError
		if got != tt.want || tt.ok != (err == nil) || err != nil && !errors.As(err, &e) {
			t.Errorf("%q, %q: %+v, %v, want %+v", tt.text, tt.container, got, err, tt.want)
		}
	}
}

// withPrograms returns a lookup function that finds only these programs.
func withPrograms(programs ...string) func(string) (string, error) {
	return func(program string) (string, error) {
		if slices.Contains(programs, program) {
			return "/bin/" + program, nil
		}
		return "", exec.ErrNotFound
	}
}

func TestCommand(t *testing.T) {
	const page = "http://127.0.0.1:1/X"
	for _, tt := range []struct {
		choice Choice
		lookUp func(string) (string, error)
		want   string // arguments, separated by "|"
	}{
		{Choice{"chromium", ""}, withPrograms("chromium"), "/bin/chromium|" + page},
		{Choice{"chromium", "A B"}, withPrograms("chromium-browser"), "/bin/chromium-browser|--profile-directory=A B|" + page},
		{Choice{"firefox", ""}, withPrograms("firefox-esr"), "/bin/firefox-esr|" + page},
		{Choice{"firefox", "a&b c"}, withPrograms("firefox"), "/bin/firefox|ext+container:name=a%26b%20c&url=http%3A%2F%2F127.0.0.1%3A1%2FX"},
		{Choice{Private, ""}, withPrograms("microsoft-edge", "chromium"), "/bin/chromium|--incognito|" + page},
		{Choice{Private, ""}, withPrograms("microsoft-edge"), "/bin/microsoft-edge|--inprivate|" + page},
		{Choice{Private, ""}, withPrograms("firefox"), "/bin/firefox|--private-window|" + page},
		{Choice{"chrome", ""}, withPrograms("firefox"), ""},
		{Choice{Private, ""}, withPrograms(), ""},
	} {
		argv, err := tt.choice.Command(page, tt.lookUp)
		if got := strings.Join(argv, "|"); got != tt.want {
			t.Errorf("%+v: command %s, error %v, want %s", tt.choice, got, err, tt.want)
		}
		var e *NotFoundError
		if tt.want == "" && !errors.As(err, &e) {
			t.Errorf("%+v: got %v", tt.choice, err)
		}
	}
	var unknown *UnknownError
	if _, err := (Choice{Name: "mosaic"}).Command(page, withPrograms()); !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
}
