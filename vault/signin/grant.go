package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrGrantRejected reports that the provider no longer accepts a code or refresh token.
var ErrGrantRejected = errors.New("the code or token is no longer accepted")

// GrantError reports a provider's error response, or an invalid response. Each of its texts is one line long and
// contains no secret from the request.
// https://www.rfc-editor.org/rfc/rfc6749#section-5.2
type GrantError struct {
	Issuer      string
	Endpoint    string // name of the endpoint in the provider's configuration
	Code        string // the standard error code; empty for none
	Description string
	Status      int // HTTP status
}

func (e *GrantError) Error() string {
	details := strings.TrimSpace(e.Code + " " + e.Description)
	if e.Code != "" && e.Description != "" {
		details = fmt.Sprintf("%s (%s)", e.Code, e.Description)
	}
	if details == "" {
		details = fmt.Sprintf("HTTP %d", e.Status)
	}
	return fmt.Sprintf("%s of %s returned %s", e.Endpoint, e.Issuer, details)
}

// Is reports whether the error code of the response has the meaning of target.
func (e *GrantError) Is(target error) bool {
	switch e.Code {
	case "authorization_pending":
		return target == ErrPending
	case "slow_down":
		return target == ErrSlowDown
	case "expired_token":
		return target == ErrTimeout
	case "access_denied":
		return target == ErrDenied
	case "invalid_grant":
		return target == ErrGrantRejected
	}
	return false
}

// maxAnswer is the maximum number of bytes that are read from a response.
const maxAnswer = 1 << 20

// post sends a form with the client's credentials and decodes the response. It never sends the form again, because
// a code is valid only once. There are three reasons not to use package x/oauth2. That package may send a code twice
// to find out how the client must authenticate. It polls by its own clock. It includes whole responses in errors.
func (p *Provider) post(ctx context.Context, name, endpoint string, form url.Values, into any) error {
	r, err := p.request(ctx, endpoint, form)
	if err != nil {
		return &ConfigurationError{Issuer: p.client.Issuer, Reason: name + " is not a valid URL"}
	}
	resp, err := p.client.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	e := &GrantError{Issuer: p.client.Issuer, Endpoint: name, Status: resp.StatusCode}
	if resp.StatusCode != http.StatusOK {
		var failure struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if decode(body, &failure) == nil {
			e.Code, e.Description = p.clean(failure.Code, form), p.clean(failure.Description, form)
		}
		return e
	}
	if decode(body, into) != nil { // the decoder's error is dropped because it may quote the response
		e.Description = "a response that is not valid JSON"
		return e
	}
	return nil
}

// request creates the request and authenticates the client in a way that the provider supports.
// https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
func (p *Provider) request(ctx context.Context, endpoint string, form url.Values) (*http.Request, error) {
	const inForm, inHeader = "client_secret_post", "client_secret_basic"
	basic := p.client.Secret != "" && (slices.Contains(p.Methods, inHeader) || !slices.Contains(p.Methods, inForm))
	if !basic {
		form.Set("client_id", p.client.ID)
	}
	if p.client.Secret != "" && !basic {
		form.Set("client_secret", p.client.Secret)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if basic {
		r.SetBasicAuth(url.QueryEscape(p.client.ID), url.QueryEscape(p.client.Secret)) // https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
	}
	return r, nil
}

// clean masks the secrets of the request in a provider's text, and shortens the text to one line of maxText bytes.
func (p *Provider) clean(text string, form url.Values) string {
	for _, name := range []string{"code", "code_verifier", "device_code", "refresh_token", "token"} {
		if secret := form.Get(name); secret != "" {
			text = strings.ReplaceAll(text, secret, "****")
		}
	}
	if p.client.Secret != "" {
		text = strings.ReplaceAll(text, p.client.Secret, "****")
	}
	return oneLine(text)
}
