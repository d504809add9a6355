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

// ErrGrantRejected is in the error of a provider that does not take a code or a refresh token any
// more.
var ErrGrantRejected = errors.New("the code or token is not taken any more")

// GrantError is a provider's refusal, or an answer of its that makes no sense. Its texts
// are in one line and hold nothing that was sent.
// https://www.rfc-editor.org/rfc/rfc6749#section-5.2
type GrantError struct {
	Issuer      string
	Endpoint    string // by the name that it has in the provider's configuration
	Code        string // the standard's; empty for none
	Description string
	Status      int // of HTTP
}

func (e *GrantError) Error() string {
	said := strings.TrimSpace(e.Code + " " + e.Description)
	if e.Code != "" && e.Description != "" {
		said = fmt.Sprintf("%s (%s)", e.Code, e.Description)
	}
	if said == "" {
		said = fmt.Sprintf("HTTP %d", e.Status)
	}
	return fmt.Sprintf("%s answered at its %s: %s", e.Issuer, e.Endpoint, said)
}

// Is tells what the standard's code means to a sign-in.
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

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// post sends a form as this client, and reads the answer. It is sent once: a code is good
// for one use. x/oauth2 would do so too, but tries a code twice to find out how a client
// shows its secret, polls by a clock of its own, and keeps whole answers in its errors.
func (p *Provider) post(ctx context.Context, name, endpoint string, form url.Values, into any) error {
	r, err := p.request(ctx, endpoint, form)
	if err != nil {
		return &ConfigurationError{Issuer: p.client.Issuer, Reason: name + " cannot be called"}
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
		var said struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if decode(body, &said) == nil {
			e.Code, e.Description = p.clean(said.Code, form), p.clean(said.Description, form)
		}
		return e
	}
	if decode(body, into) != nil { // what the decoder says may quote the answer
		e.Description = "an answer that is not JSON as the standard has it"
		return e
	}
	return nil
}

// request has this client show its secret in the way that the provider takes.
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

// clean makes one line of what a provider says, without what it was sent.
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
