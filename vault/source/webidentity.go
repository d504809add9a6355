package source

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
	"aws-vault/vault/plan"
)

// Limits for the size of a web identity token, in bytes.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
const (
	minToken = 4
	maxToken = 20000
)

// maxTokenText is the maximum number of bytes that are read for a token and the white space around it.
const maxTokenText = 2 * maxToken

// TokenError reports text that cannot be a web identity token.
type TokenError struct {
	Source string // file or command that the text came from
	Length int    // length of the text in bytes
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("%s contains %d bytes, expected a token of %d to %d bytes", e.Source, e.Length, minToken, maxToken)
}

func (d *Deps) webIdentity(ctx context.Context, s plan.Step, spec plan.WebIdentity) (aws.Credentials, error) {
	token, err := d.token(ctx, s, spec)
	if err != nil {
		return aws.Credentials{}, err
	}
	return d.WebIdentity(ctx, s, spec, token)
}

// WebIdentity exchanges a token for the role of a web identity step. If the token's subject is not the subject in spec,
// WebIdentity returns an [*IdentityChangedError].
func (d *Deps) WebIdentity(ctx context.Context, s plan.Step, spec plan.WebIdentity, token string) (aws.Credentials, error) {
	if now := plan.TokenSubject([]byte(token)); now != spec.Subject {
		spec.Subject = now
		return aws.Credentials{}, &IdentityChangedError{Source: "the web identity token of profile " + s.Profile, Spec: spec}
	}
	return d.exchangeToken(ctx, s, token, roleRequest(s, spec.ARN, spec.SessionName))
}

// exchangeToken exchanges a token for the credentials of a role. If AWS refuses the token and a claim of the token
// lists only other roles, exchangeToken returns a [*PinnedTokenError].
func (d *Deps) exchangeToken(ctx context.Context, s plan.Step, token string, r awsapi.RoleRequest) (aws.Credentials, error) {
	creds, err := sts(d.AWS, s).WebIdentity(ctx, token, r)
	pinned := identity.PinnedRoles(token)
	var refused *awsapi.APIError
	if errors.As(err, &refused) && refused.Code == awsapi.CodeInvalidToken && len(pinned) > 0 && !slices.Contains(pinned, r.Role) {
		return aws.Credentials{}, &PinnedTokenError{Pinned: pinned, Err: err}
	}
	return creds, err
}

// PinnedTokenError reports that AWS refused a token because the token's claim https://aws.amazon.com/roles lists only
// other roles.
type PinnedTokenError struct {
	Pinned []string // the roles that the token lists
	Err    error
}

func (e *PinnedTokenError) Error() string { return e.Err.Error() }

// Unwrap returns the error of AWS.
func (e *PinnedTokenError) Unwrap() error { return e.Err }

// token reads a web identity token from a file, or from the output of a program.
func (d *Deps) token(ctx context.Context, s plan.Step, spec plan.WebIdentity) (string, error) {
	var raw []byte
	var err error
	where := spec.TokenFile
	if where != "" {
		if raw, err = awsapi.ReadFile(d.Open, where, maxTokenText); err != nil {
			return "", fmt.Errorf("web_identity_token_file of profile %s: %w", s.Profile, err)
		}
	} else {
		const setting = "web_identity_token_process"
		where = setting + " of profile " + s.Profile
		if raw, err = d.run(ctx, setting, Command{Line: spec.TokenProcess, Profile: s.Profile, Max: maxTokenText}); err != nil {
			return "", err
		}
	}
	token := plan.TrimToken(raw)
	if len(token) < minToken || len(token) > maxToken {
		return "", &TokenError{where, len(token)}
	}
	return string(token), nil
}
