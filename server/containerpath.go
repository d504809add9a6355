package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
)

// ContainerPath returns the path at which the proxy for containers provides the credentials of a profile. Its second
// part is derived from the profile's token, and so cannot be guessed. The token cannot be derived from the path.
//
// A program in a container may fetch any URL that its own users name. Such a user does not know the path, and so cannot
// make the program fetch the credentials. The paths of Amazon ECS have a random part for the same reason.
func ContainerPath(profile, token string) string {
	return "/" + url.PathEscape(profile) + "/" + containerSecret(token)
}

// containerSecret returns the part of a container's path that is derived from a token. It has 128 bits.
func containerSecret(token string) string {
	const size = 16
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("aws-vault container path"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:size])
}

// A ContainerRequest is a request that a container sends to the proxy.
type ContainerRequest struct {
	Profile string
	secret  string
	Role    string // the rest of the path, such as /role-arn/ARN; empty if the request is for the profile itself
}

// ParseContainerRequest splits the path of a container's request. It returns false if the path does not have the form
// of a [ContainerPath]. The caller must check the result with Matches.
func ParseContainerRequest(u *url.URL) (r ContainerRequest, ok bool) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	secret, role, hasRole := strings.Cut(rest, "/")
	profile, err := url.PathUnescape(name)
	if err != nil || profile == "" || profile == "." || profile == ".." || secret == "" {
		return ContainerRequest{}, false
	}
	if hasRole && role != "" {
		if role, err = url.PathUnescape("/" + role); err != nil {
			return ContainerRequest{}, false
		}
	}
	return ContainerRequest{Profile: profile, secret: secret, Role: role}, true
}

// Matches reports whether the path of the request is the ContainerPath for a token. It compares in constant time.
func (r ContainerRequest) Matches(token string) bool {
	return hmac.Equal([]byte(r.secret), []byte(containerSecret(token)))
}

// ServePath returns the path at which [ECS] serves what the container requests.
func (r ContainerRequest) ServePath() string { return "/" + r.Profile + r.Role }
