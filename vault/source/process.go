package source

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// maxProcessOutput is the maximum number of bytes that a credential_process may print.
const maxProcessOutput = 1 << 20

// RecursionError reports that a profile's command would start the same command again.
type RecursionError struct {
	Setting  string   // name of the setting that contains the command
	Profiles []string // profiles whose commands ran, in this order
}

func (e *RecursionError) Error() string {
	return fmt.Sprintf("%s calls itself: %s", e.Setting, strings.Join(e.Profiles, " → "))
}

// ProcessError reports invalid output of a credential_process. It never contains the output, which may be
// secret.
type ProcessError struct{ Profile, Found, Want string }

func (e *ProcessError) Error() string {
	return fmt.Sprintf("credential_process of profile %s printed %s, expected %s", e.Profile, e.Found, e.Want)
}

func (d *Deps) process(ctx context.Context, s plan.Step, spec plan.Process) (aws.Credentials, error) {
	out, err := d.run(ctx, "credential_process", Command{Line: spec.Command, Profile: s.Profile, Max: maxProcessOutput, Secrets: true})
	if err != nil {
		return aws.Credentials{}, err
	}
	c, err := parseProcess(s.Profile, out)
	if err != nil {
		return aws.Credentials{}, err
	}
	if c.CanExpire && !c.Expires.After(d.AWS.Clock.Now()) {
		return aws.Credentials{}, &ProcessError{s.Profile, "credentials that expired at " + c.Expires.UTC().Format(time.RFC3339), "credentials that are still valid"}
	}
	return c, nil
}

// parseProcess parses the output of a credential_process.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func parseProcess(profile string, out []byte) (aws.Credentials, error) {
	var answer struct {
		Version         json.RawMessage
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
		AccountID       string `json:"AccountId"`
	}
	wrong := func(found, want string) (aws.Credentials, error) {
		return aws.Credentials{}, &ProcessError{profile, found, want}
	}
	if len(out) > maxProcessOutput {
		return wrong("more than "+awsapi.FormatSize(maxProcessOutput), "less")
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return wrong(awsapi.FormatSize(len(out))+" that are not valid JSON", "an object with Version, AccessKeyId and SecretAccessKey")
	}
	if string(answer.Version) != "1" {
		return wrong("a wrong or missing Version", `"Version": 1`)
	}
	c := aws.Credentials{
		AccessKeyID: answer.AccessKeyID, SecretAccessKey: answer.SecretAccessKey,
		SessionToken: answer.SessionToken, AccountID: answer.AccountID,
	}
	if found := awsapi.InvalidReason(c); found != "" {
		return wrong(found, "an AWS access key")
	}
	if answer.Expiration != "" {
		expires, err := time.Parse(time.RFC3339, answer.Expiration)
		if err != nil {
			return wrong("an Expiration that is not a time", "a time such as 2026-01-31T12:00:00Z")
		}
		c.CanExpire, c.Expires = true, expires
	}
	return c, nil
}
