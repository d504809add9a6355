package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/partition"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// signInDomain is a partition's domain of AWS's sign-in, to which a region is put in front.
func signInDomain(partition string) string {
	switch partition {
	case "aws-cn":
		return "signin.amazonaws.cn"
	case "aws-us-gov":
		return "signin.amazonaws-us-gov.com"
	case "aws-eusc":
		return "signin.amazonaws-eusc.eu"
	}
	return "signin.aws.amazon.com"
}

// signInBase is the address that aws login begins at, without a slash at its end.
func signInBase(s plan.Step) string {
	if s.Endpoint.URL != "" {
		return strings.TrimRight(s.Endpoint.URL, "/")
	}
	return "https://" + s.Region + "." + signInDomain(partition.Of(s.Region))
}

// loginURL is the page on which a person signs in. It holds no secret. AWS spells the
// method as it does.
func loginURL(base, client string, p signin.Proof, redirect string) string {
	return base + "/v1/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirect}, "state": {p.State},
		"code_challenge": {p.Challenge}, "code_challenge_method": {"SHA-256"}, "scope": {"openid"},
	}.Encode()
}

// loginAnswer is what the token endpoint gives.
type loginAnswer struct {
	AccessToken struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"accessToken"`
	ExpiresIn    int    `json:"expiresIn"` // seconds
	RefreshToken string `json:"refreshToken"`
	IDToken      string `json:"idToken"`
}

const actionLogin = "CreateOAuth2Token"

// loginTries is how often a call is made that was not answered.
const loginTries = 3

// tradeLogin trades a grant for credentials, with the proof that it was given to this
// key's holder. What is not said anew is taken from old.
//
// What comes is stored at once, unless trade is nil. Credentials that make no sense do not cost the refresh token.
func (d *Deps) tradeLogin(ctx context.Context, s plan.Step, key proofKey, grant map[string]string, old loginToken, trade *store.Trade) (t loginToken, err error) {
	if err := d.checkEndpoint(s.Endpoint); err != nil {
		return loginToken{}, err
	}
	if old.Key, err = key.text(); err != nil {
		return loginToken{}, err
	}
	began := d.Clock.Local()
	var unusable error
	err = d.traded(ctx, siteOf(signInBase(s)), func(ctx context.Context) error {
		return d.askLogin(ctx, s, key, grant, func(a loginAnswer) {
			if t, unusable = a.token(old, began); trade != nil && t.Refresh != old.Refresh && t.Session != "" && !isAnother(unusable) {
				trade.KeepAs(string(plan.Login{Session: t.Session}.Token()), t.token())
			}
		})
	})
	switch {
	case err != nil:
		return loginToken{}, err
	case errors.Is(unusable, errHalfLogin):
		return loginToken{}, fmt.Errorf("%s: %s %w", actionLogin, siteOf(signInBase(s)), unusable)
	case unusable != nil:
		return loginToken{}, unusable
	}
	return t, nil
}

var errHalfLogin = errors.New("answered without credentials")

func isAnother(err error) bool {
	var another *IdentityError
	return errors.As(err, &another)
}

// token is what an answer makes of an older token. With an error, the new token may hold no
// credentials, and no name of who has signed in.
func (a loginAnswer) token(old loginToken, began time.Time) (loginToken, error) {
	t := old
	if a.RefreshToken != "" {
		t.Refresh = a.RefreshToken
	}
	t.KeyID, t.Secret, t.Token, t.Expires = "", "", "", time.Time{}
	if t.Session == "" { // a renewal is of whom it was before
		who, err := signedInAs(a.IDToken)
		if err != nil {
			return t, err
		}
		if t.Session = who; old.wanted != "" && who != old.wanted {
			return t, &IdentityError{Found: who, Want: old.wanted}
		}
	}
	given := a.AccessToken
	made := t
	made.KeyID, made.Secret, made.Token = given.AccessKeyID, given.SecretAccessKey, given.SessionToken
	made.Expires = began.Add(time.Duration(a.ExpiresIn) * time.Second).UTC()
	if flaw(made.credentials()) != "" || given.SessionToken == "" || a.ExpiresIn <= 0 || a.RefreshToken == "" {
		return t, errHalfLogin
	}
	return made, nil
}

// askLogin makes the call within the deadline, and once more where a machine on the way
// could not answer. What comes is given to came, before anything else.
func (d *Deps) askLogin(ctx context.Context, s plan.Step, key proofKey, grant map[string]string, came func(loginAnswer)) (err error) {
	hc, err := d.clientFor(s.Endpoint, formJSON)
	if err != nil {
		return err
	}
	c := call{action: actionLogin, place: siteOf(signInBase(s)), secrets: []string{grant["code"], grant["codeVerifier"], grant["refreshToken"]}}
	var refused error
	err = d.unsigned(ctx, c, func(ctx context.Context) (err error) {
		for try := 1; ; try++ {
			var a loginAnswer
			a, refused, err = d.postLogin(ctx, hc, c, signInBase(s)+"/v1/token", key, grant)
			if err == nil && refused == nil {
				came(a)
				return nil
			}
			var api *APIError
			again := err != nil || errors.As(refused, &api) && api.Retry
			if !again || try == loginTries || ctx.Err() != nil {
				return err
			}
			if d.Sleep(ctx, time.Duration(try)*time.Second) != nil {
				return err
			}
		}
	})
	if err != nil {
		var net *url.Error
		if errors.As(err, &net) {
			return &UnreachableError{c.action, c.place, net.Err}
		}
		return err
	}
	return refused
}

// postLogin makes one call. refused is AWS's answer; err is that of the way there.
func (d *Deps) postLogin(ctx context.Context, hc *http.Client, c call, address string, key proofKey, grant map[string]string) (a loginAnswer, refused, err error) {
	proof, err := key.prove(http.MethodPost, address, d.Clock.Now())
	if err != nil {
		return a, nil, err
	}
	body, err := json.Marshal(grant)
	if err != nil {
		return a, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return a, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("DPoP", proof)
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := hc.Do(r)
	if err != nil {
		return a, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body) // whole and bounded: see checked
	if err != nil {
		return a, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return a, c.loginRefusal(resp.StatusCode, text), nil
	}
	if json.Unmarshal(text, &a) != nil {
		return a, fmt.Errorf("%s: %s answered without credentials", c.action, c.place), nil
	}
	return a, nil, nil
}

// ended are the reasons for which a sign-in is over.
var ended = []string{"AUTHCODE_EXPIRED", "TOKEN_EXPIRED", "USER_CREDENTIALS_CHANGED"}

func (c call) loginRefusal(status int, text []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Reason  string `json:"error"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(text, &said) // an answer without a word is refused as well
	code := said.Reason
	if code == "" {
		code = said.Type[strings.LastIndexByte(said.Type, '#')+1:]
	}
	e := &APIError{
		Action: c.action, Code: c.clean(code), Message: c.clean(said.Message), Status: status,
		Retry: status >= http.StatusInternalServerError || status == http.StatusTooManyRequests,
	}
	if slices.Contains(ended, said.Reason) {
		return &meantError{errGrant, e}
	}
	return e
}
