package source

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// The sizes of a token that AWS takes.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
const (
	minToken = 4
	maxToken = 20000
)

// maxTokenText bounds what is read for a token and the blanks around it, in bytes.
const maxTokenText = 2 * maxToken

// TokenError is returned for what cannot be a web identity token.
type TokenError struct {
	Source string // the file or the command
	Length int    // in bytes
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("%s holds %d bytes, want a token of %d to %d", e.Source, e.Length, minToken, maxToken)
}

func (d *Deps) webIdentity(ctx context.Context, s plan.Step, spec plan.WebIdentity) (aws.Credentials, error) {
	token, err := d.token(ctx, s, spec)
	if err != nil {
		return aws.Credentials{}, err
	}
	in := parameters{"RoleArn": {spec.ARN}, "RoleSessionName": {spec.SessionName}, "WebIdentityToken": {token}}
	in.seconds("DurationSeconds", s.Lasts)
	in.limit(s.Policy)
	var out given
	c := call{action: "AssumeRoleWithWebIdentity", about: spec.ARN, step: s, secret: token, bearer: true}
	if err := d.do(ctx, c, in, &out); err != nil {
		return aws.Credentials{}, err
	}
	return c.credentials(out)
}

// token reads the token without what editors and programs put around it: white space, and
// the mark that Windows begins a text with.
func (d *Deps) token(ctx context.Context, s plan.Step, spec plan.WebIdentity) (string, error) {
	var raw []byte
	var err error
	where := spec.TokenFile
	if where != "" {
		if raw, err = d.read(where, maxTokenText); err != nil {
			return "", fmt.Errorf("web_identity_token_file of profile %s: %w", s.Profile, err)
		}
	} else {
		const setting = "web_identity_token_process"
		where = setting + " of profile " + s.Profile
		if raw, err = d.run(ctx, setting, Command{Line: spec.TokenProcess, Profile: s.Profile, Max: maxTokenText}); err != nil {
			return "", err
		}
	}
	token := bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff")))
	if len(token) < minToken || len(token) > maxToken {
		return "", &TokenError{where, len(token)}
	}
	return string(token), nil
}
