package server

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzContainerPath checks that the path of a profile names this profile, and that it matches the profile's token
// and no other one. It also checks that the token is not part of the path.
func FuzzContainerPath(f *testing.F) {
	for _, name := range []string{"dev", "a b", "a/b", "..%2f", "é", "a%20b", "?x=1#y", "."} {
		f.Add(name, token, "role-arn/arn:aws:iam::123456789012:role/x")
	}
	f.Fuzz(func(t *testing.T, profile, token, rest string) {
		if profile == "" || profile == "." || profile == ".." || len(token) < 8 {
			t.Skip()
		}
		path := ContainerPath(profile, token)
		if secret := containerSecret(token); strings.Contains(secret, token) {
			t.Errorf("the secret part %q contains the token", secret)
		}
		for _, p := range []string{path, path + "/", path + "/" + url.PathEscape(rest)} {
			u, err := url.Parse("http://169.254.170.2" + p)
			if err != nil {
				t.Fatal(err)
			}
			r, ok := ParseContainerRequest(u)
			if !ok || r.Profile != profile || !r.Matches(token) || r.Matches(token+"x") {
				t.Errorf("%q: got %+v, %v, want profile %q", p, r, ok, profile)
			}
			if want := "/" + profile; p == path && r.ServePath() != want {
				t.Errorf("%q is served at %q, want %q", p, r.ServePath(), want)
			}
		}
	})
}

// FuzzParseContainerRequest checks that a path without the secret part for a token never matches this token.
func FuzzParseContainerRequest(f *testing.F) {
	for _, path := range []string{"", "/", "/dev", "/dev/", "/dev/x", "//x", "/%2e%2e/x", "/dev/x/%zz", "/dev//role-arn/x"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("http://169.254.170.2" + path)
		if err != nil {
			t.Skip()
		}
		r, ok := ParseContainerRequest(u)
		if ok && (r.Profile == "" || !strings.HasPrefix(r.ServePath(), "/"+r.Profile) || r.Role != "" && r.Role[0] != '/') {
			t.Errorf("%q: got %+v", path, r)
		}
		if r.Matches(token) {
			t.Errorf("%q matches a token", path)
		}
	})
}
