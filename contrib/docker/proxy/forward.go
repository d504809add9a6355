package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aws-vault/server"
)

// A forward passes requests on to aws-vault serve. Of a request, it passes on only the method and the path, without
// the secret part of the path (see [server.ContainerPath]). It adds the token of the profile that the path names.
// From the response, it passes on only the status, the media type and the body.
type forward struct {
	client http.Client
	host   string   // the Host header that aws-vault serve expects
	tokens *os.Root // directory of the token files; each file has the name of its profile
	roles  bool     // whether containers may request the credentials of roles that the profile can assume
}

const (
	answerTime = 3 * time.Minute // time limit for a response; aws-vault serve has the same limit
	maxAnswer  = 64 << 10
	maxToken   = 4 << 10
)

// newForward returns a forward. The argument to is the address of aws-vault serve: the path of its socket, or
// host:port.
func newForward(to string, tokens *os.Root, roles bool) *forward {
	network, address := "tcp", to
	var host string
	if _, port, err := net.SplitHostPort(to); filepath.IsAbs(to) || err != nil {
		network, host = "unix", "localhost"
	} else {
		host = "localhost:" + port // aws-vault serve accepts this host name, but not every name that containers use
	}
	dialer := net.Dialer{Timeout: 3 * time.Second}
	return &forward{host: host, tokens: tokens, roles: roles, client: http.Client{
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
			MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
		},
	}}
}

func (f *forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, token, refusal := f.authorize(r.URL)
	if refusal != nil {
		server.Refuse(w, *refusal)
		return
	}
	if err := f.pass(w, r, asked.ServePath(), token); err != nil {
		server.Refuse(w, server.Refusal{Status: http.StatusBadGateway, Code: "VaultUnreachable", Message: err.Error()})
	}
}

// authorize returns what a container requests, and the token of the profile. A wrong secret in the path gets the same
// response as a profile that is not served, so that the response does not tell which profiles are served.
func (f *forward) authorize(u *url.URL) (server.ContainerRequest, string, *server.Refusal) {
	notFound := func(message string) (server.ContainerRequest, string, *server.Refusal) {
		return server.ContainerRequest{}, "", &server.Refusal{Status: http.StatusNotFound, Code: "NotFound", Message: message}
	}
	asked, ok := server.ParseContainerRequest(u)
	if !ok {
		return notFound(noCredentials)
	}
	token, err := f.token(asked.Profile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// The response does not contain this error, because the error tells that the profile is served.
		fmt.Fprintln(os.Stderr, "aws-vault-proxy: warning:", err)
	}
	switch {
	case err != nil || !asked.Matches(token):
		return notFound(noCredentials)
	case asked.Role != "" && !f.roles:
		return asked, "", &server.Refusal{Status: http.StatusForbidden, Code: "RoleNotAllowed",
			Message: "the proxy provides no credentials of roles, because it runs without -allow-role-arn"}
	}
	return asked, token, nil
}

const noCredentials = "no credentials are at this path; run aws-vault serve --status --containers to print the current paths"

// token returns the token of a profile, or [fs.ErrNotExist] if the profile is not served. It reads the token's file for
// each request, because aws-vault serve creates new tokens when it starts.
func (f *forward) token(profile string) (string, error) {
	file, err := f.tokens.Open(url.PathEscape(profile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fs.ErrNotExist
	}
	if err != nil {
		return "", fmt.Errorf("the token of profile %+q cannot be read", profile)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil || len(text) == 0 || len(text) > maxToken || strings.ContainsAny(string(text), "\r\n") {
		return "", fmt.Errorf("the token of profile %+q cannot be read", profile)
	}
	return string(text), nil
}

// pass sends the request to aws-vault serve and passes the response on. It returns an error if the response is missing,
// incomplete or too long. The error contains neither the token nor the path.
func (f *forward) pass(w http.ResponseWriter, r *http.Request, path, token string) error {
	target := url.URL{Scheme: "http", Host: f.host, Path: path}
	asked, err := http.NewRequestWithContext(r.Context(), r.Method, target.String(), nil)
	if err != nil {
		return errors.New("the path cannot be passed on")
	}
	asked.Header.Set("Authorization", token)
	asked.Header.Set("Accept", "application/json")
	resp, err := f.client.Do(asked)
	if err != nil {
		var sending *url.Error
		if errors.As(err, &sending) {
			err = sending.Err
		}
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(text) > maxAnswer {
		return errors.New("the response from aws-vault serve is invalid or too long")
	}
	header := w.Header()
	header.Set("Content-Type", resp.Header.Get("Content-Type"))
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(resp.StatusCode)
	w.Write(text)
	return nil
}
