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

// signInAction is the name of the federation endpoint's action.
const signInAction = "getSigninToken"

// SignInToken exchanges temporary credentials for a token. With the token, a browser can sign in to the console
// once, within 15 min. endpoint.URL must be the whole URL of the federation endpoint. duration is the length of
// the console session; 0 means AWS's default.
//
// The credentials are sent in the body of a POST request. If the endpoint refuses POST, they are sent in the URL of a
// GET request instead. Errors are like those of [STS] and contain neither the credentials nor the token.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
func (api *Client) SignInToken(ctx context.Context, endpoint Endpoint, creds aws.Credentials, duration time.Duration) (string, error) {
	if err := api.CheckEndpoint(endpoint); err != nil {
		return "", err
	}
	hc, err := api.Network.client(endpoint.CABundle, formAnyJSON)
	if err != nil {
		return "", err
	}
	form, err := signInForm(creds, duration)
	if err != nil {
		return "", err
	}
	limited, cancel := api.WithTimeout(ctx)
	defer cancel()
	req := signInRequest{hc: hc, url: endpoint.URL, form: form}
	token, method := "", http.MethodPost
	err = api.try(limited, endpoint.retries(), false, func() (err error) {
		token, err = req.send(limited, method)
		if method == http.MethodPost && refusesPost(err) {
			method = http.MethodGet
			token, err = req.send(limited, method)
		}
		return err
	})
	api.debug("requested a sign-in token", "at", req.endpointName(), "error", signInOutcome(err))
	switch {
	case err == nil:
		return token, nil
	case TimedOut(limited):
		return "", &TimeoutError{signInAction, req.endpointName(), api.CallTimeout()}
	case limited.Err() != nil:
		return "", context.Cause(limited)
	}
	return "", req.failure(err)
}

// signInForm returns the parameters of the request. They contain the credentials.
func signInForm(c aws.Credentials, duration time.Duration) (url.Values, error) {
	session, err := json.Marshal(struct {
		ID    string `json:"sessionId"`
		Key   string `json:"sessionKey"`
		Token string `json:"sessionToken"`
	}{c.AccessKeyID, c.SecretAccessKey, c.SessionToken})
	if err != nil {
		return nil, err
	}
	form := url.Values{"Action": {signInAction}, "Session": {string(session)}}
	if duration > 0 {
		form.Set("SessionDuration", strconv.Itoa(int(duration/time.Second)))
	}
	return form, nil
}

// A signInRequest is a request to the federation endpoint.
type signInRequest struct {
	hc   *http.Client
	url  string
	form url.Values
}

func (a signInRequest) send(ctx context.Context, method string) (string, error) {
	target, body := a.url, io.Reader(strings.NewReader(a.form.Encode()))
	if method == http.MethodGet {
		target, body = a.url+"?"+a.form.Encode(), nil
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		// err is not returned, because it contains the URL, which may contain the credentials.
		return "", fmt.Errorf("%s: %s is not a valid URL", signInAction, a.endpointName())
	}
	r.Header.Set("User-Agent", "aws-vault")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := a.hc.Do(r)
	var notAWS *NotAWSError
	if errors.As(err, &notAWS) && notAWS.Status >= http.StatusBadRequest {
		return "", a.refusal(notAWS.Status) // the endpoint's error response is an HTML page
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", a.refusal(resp.StatusCode)
	}
	var answer struct{ SigninToken string }
	err = json.NewDecoder(io.LimitReader(resp.Body, maxResponseSize)).Decode(&answer)
	if err != nil || answer.SigninToken == "" { // err is not returned, since it may quote the token
		return "", fmt.Errorf("%s: no token in the response from %s", signInAction, a.endpointName())
	}
	return answer.SigninToken, nil
}

// failure describes an error of [signInRequest.send] without the URL, which may contain the credentials.
func (a signInRequest) failure(err error) error {
	var notAWS *NotAWSError
	var urlErr *url.Error
	switch {
	case errors.As(err, &notAWS):
		return fmt.Errorf("%s: %w", signInAction, notAWS)
	case errors.As(err, &urlErr):
		return &UnreachableError{signInAction, a.endpointName(), urlErr.Err}
	}
	return err
}

func (a signInRequest) refusal(status int) error {
	return &APIError{Action: signInAction, Status: status, Retry: status >= http.StatusInternalServerError}
}

func (a signInRequest) endpointName() string {
	u, err := url.Parse(a.url)
	if err != nil {
		return "the console's federation endpoint"
	}
	return BaseOf(u)
}

// refusesPost reports whether the status code in err means that the endpoint does not accept POST. After any other
// error, the credentials must not be sent in a URL.
func refusesPost(err error) bool {
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
	return "no response"
}
