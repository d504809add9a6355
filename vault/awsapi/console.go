package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// signInAction is what the console's federation endpoint is asked for.
const signInAction = "getSigninToken"

// SignInToken trades temporary credentials for a token that signs a browser in to the
// console once, within 15 minutes. The credentials go in the body of a POST, so that no URL
// holds them; only an endpoint that says it takes none is asked by GET. The endpoint's URL is the whole address;
// lasts is for how long the console is signed in to, where that is asked for. Errors are as
// those of [STS], and hold neither.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
func (api *Client) SignInToken(ctx context.Context, at Endpoint, creds aws.Credentials, lasts time.Duration) (string, error) {
	if err := api.CheckEndpoint(at); err != nil {
		return "", err
	}
	hc, err := api.Network.client(at.CABundle, formPlain)
	if err != nil {
		return "", err
	}
	form, err := signInForm(creds, lasts)
	if err != nil {
		return "", err
	}
	limited, cancel := api.Limit(ctx)
	defer cancel()
	a := signInAsk{hc: hc, url: at.URL, form: form}
	token, method := "", http.MethodPost
	err = api.try(limited, at.retries(), false, func() (err error) {
		token, err = a.ask(limited, method)
		if method == http.MethodPost && takesNoPost(err) {
			method = http.MethodGet
			token, err = a.ask(limited, method)
		}
		return err
	})
	api.debug("asked for a sign-in token", "at", a.place(), "error", signInOutcome(err))
	switch {
	case err == nil:
		return token, nil
	case OutOfTime(limited):
		return "", &TimeoutError{signInAction, a.place(), api.CallTime()}
	case limited.Err() != nil:
		return "", context.Cause(limited)
	}
	return "", a.failure(err)
}

// signInForm is what the endpoint is told. It holds the credentials.
func signInForm(c aws.Credentials, lasts time.Duration) (url.Values, error) {
	session, err := json.Marshal(struct {
		ID    string `json:"sessionId"`
		Key   string `json:"sessionKey"`
		Token string `json:"sessionToken"`
	}{c.AccessKeyID, c.SecretAccessKey, c.SessionToken})
	if err != nil {
		return nil, err
	}
	form := url.Values{"Action": {signInAction}, "Session": {string(session)}}
	if lasts > 0 {
		form.Set("SessionDuration", strconv.Itoa(int(lasts/time.Second)))
	}
	return form, nil
}

// signInAsk is one question to the federation endpoint.
type signInAsk struct {
	hc   *http.Client
	url  string
	form url.Values
}

func (a signInAsk) ask(ctx context.Context, method string) (string, error) {
	target, body := a.url, io.Reader(strings.NewReader(a.form.Encode()))
	if method == http.MethodGet {
		target, body = a.url+"?"+a.form.Encode(), nil
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return "", fmt.Errorf("%s: %s cannot be called", signInAction, a.place()) // the error quotes the URL
	}
	r.Header.Set("User-Agent", "aws-vault")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := a.hc.Do(r)
	var foreign *NotAWSError
	if errors.As(err, &foreign) && foreign.Status >= http.StatusBadRequest {
		return "", a.refusal(foreign.Status) // the endpoint refuses with an HTML page
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", a.refusal(resp.StatusCode)
	}
	var answer struct{ SigninToken string }
	err = json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer)
	if err != nil || answer.SigninToken == "" { // what the parser says may quote the answer
		return "", fmt.Errorf("%s: %s answered without a token", signInAction, a.place())
	}
	return answer.SigninToken, nil
}

// failure describes an error of [signInAsk.ask] without the URL, which may hold the credentials.
func (a signInAsk) failure(err error) error {
	var foreign *NotAWSError
	var sending *url.Error
	switch {
	case errors.As(err, &foreign):
		return fmt.Errorf("%s: %w", signInAction, foreign)
	case errors.As(err, &sending):
		return &UnreachableError{signInAction, a.place(), sending.Err}
	}
	return err
}

func (a signInAsk) refusal(status int) error {
	return &APIError{Action: signInAction, Status: status, Retry: status >= http.StatusInternalServerError}
}

func (a signInAsk) place() string {
	u, err := url.Parse(a.url)
	if err != nil {
		return "the console's sign-in"
	}
	return Site(u)
}

// takesNoPost reports whether the endpoint said that it takes no POST. An error of any
// other kind leaves open what it takes, and is no reason to put credentials in a URL.
func takesNoPost(err error) bool {
	var api *APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}

func signInOutcome(err error) string {
	var api *APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return strconv.Itoa(api.Status)
	}
	return "no answer"
}
