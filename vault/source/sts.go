package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// A call is one action of AWS's, asked for a step or with what a step gave.
type call struct {
	action  string
	about   string // what it acts on, for errors; may be empty
	place   string // where it goes, for errors
	step    plan.Step
	before  aws.Credentials // who signs; none where AWS takes the call unsigned
	secret  string          // the token or code that it carries; empty for none
	secrets []string        // others that it carries
	bearer  bool            // whoever sees the secret can use it
	once    bool            // it must not be sent twice, for it carries a code
}

// do makes a call to STS, whose result is read into out.
func (d *Deps) do(ctx context.Context, c call, in parameters, out any) error {
	c.place = place(c.step)
	at, err := stsAt(c.step)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", c.action, c.place, err)
	}
	return d.attempt(ctx, c, func(ctx context.Context, hc *http.Client) error {
		_, err := d.query(ctx, hc, c, at, versionSTS, url.Values(in), out)
		return err
	})
}

// attempt makes the call within the deadline. Where AWS refuses the signature because this
// computer's clock is wrong, the clock is corrected and the call is made once more, even
// with a code: AWS looks at nothing else of a call whose signature it refuses.
func (d *Deps) attempt(ctx context.Context, c call, act func(context.Context, *http.Client) error) error {
	hc, err := d.prepare(c)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	skew, began := d.Clock.Skew(), d.Clock.Local()
	err = act(limited, hc)
	if d.corrected(skew, err) {
		err = act(limited, hc)
	}
	d.debug("called AWS", "action", c.action, "about", c.about, "region", c.step.Region,
		"took", d.Clock.Local().Sub(began), "error", outcome(err))
	return d.explain(limited, c, err)
}

// prepare says whether the call may go where the step sends it, and by what client. It
// sends nothing.
func (d *Deps) prepare(c call) (*http.Client, error) {
	if err := d.checkEndpoint(c.step.Endpoint, c.bearer); err != nil {
		return nil, err
	}
	return d.client(c.step.Endpoint)
}

func outcome(err error) string {
	var no *refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &no):
		return no.code
	}
	return "no answer"
}

// A given is what STS says of a session.
type given struct {
	Credentials struct {
		ID      string     `xml:"AccessKeyId"`
		Secret  string     `xml:"SecretAccessKey"`
		Token   string     `xml:"SessionToken"`
		Expires *time.Time `xml:"Expiration"`
	}
	Role string `xml:"AssumedRoleUser>Arn"`
	User string `xml:"FederatedUser>Arn"`
}

// credentials turns what STS gives into what the SDK uses.
func (c call) credentials(g given) (aws.Credentials, error) {
	out := aws.Credentials{
		AccessKeyID: g.Credentials.ID, SecretAccessKey: g.Credentials.Secret, SessionToken: g.Credentials.Token,
		AccountID: accountOf(g.Role + g.User), CanExpire: true,
	}
	if flaw(out) != "" || out.SessionToken == "" || g.Credentials.Expires == nil {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, place(c.step))
	}
	out.Expires = *g.Credentials.Expires
	return out, nil
}

// flaw says what is wrong with credentials that came from outside; empty for nothing.
// They become header fields and environment variables, where a line's end would begin
// something else.
func flaw(c aws.Credentials) string {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return "no AccessKeyId or no SecretAccessKey"
	}
	for _, text := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID} {
		for i := range len(text) {
			if text[i] <= ' ' || text[i] > '~' {
				return "a key with a blank or a character that is not ASCII"
			}
		}
	}
	return ""
}
