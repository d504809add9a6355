package run

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/ui"
	"aws-vault/vault/plan"
)

// A format converts credentials to the text that one kind of program reads.
type format func(plan.Plan, aws.Credentials) ([]byte, error)

// formats lists the output formats of export, in the order of the help page.
var formats = []struct {
	name  string
	write format // the function that formats the credentials; if nil, the field lines is used instead
	lines lines
}{
	{"env", nil, lines{"%s=%s\n", ui.PosixQuote}},
	{"export-env", nil, lines{"export %s=%s\n", ui.PosixQuote}},
	{"json", asJSON, lines{}},
	{"ini", asINI, lines{}},
	{"fish", nil, lines{"set -gx %s %s;\n", ui.FishQuote}},
	{"powershell", nil, lines{"$Env:%s=%s\n", ui.PowershellQuote}},
	{"cmd", nil, lines{"set \"%s=%s\"\n", ui.CmdQuote}},
}

// FormatList returns the names of the output formats of export.
func FormatList() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func formatNames() string { return strings.Join(FormatList(), ", ") }

func formatOf(name string) format {
	for _, f := range formats {
		if f.name != name {
			continue
		}
		if f.write != nil {
			return f.write
		}
		return func(pl plan.Plan, c aws.Credentials) ([]byte, error) { return f.lines.text(variables(pl, c)) }
	}
	return nil // not reached, because kingpin accepts only names of formats
}

// lines formats credentials as one line per environment variable. The value of each variable is quoted for a shell.
type lines struct {
	line  string // a format string for a name and a value
	quote func(string) (string, error)
}

func (l lines) text(vars []variable) ([]byte, error) {
	var b bytes.Buffer
	for _, v := range vars {
		q, err := l.quote(v.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		fmt.Fprintf(&b, l.line, v.name, q)
	}
	return b.Bytes(), nil
}

// asJSON formats credentials as the output of a credential_process.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func asJSON(_ plan.Plan, c aws.Credentials) ([]byte, error) {
	answer := struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string `json:",omitempty"`
		Expiration      string `json:",omitempty"`
		AccountID       string `json:"AccountId,omitempty"`
	}{Version: 1, AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, AccountID: c.AccountID}
	if c.CanExpire {
		answer.Expiration = expiration(c)
	}
	var b bytes.Buffer
	err := ui.PrintJSON(&b, answer)
	return b.Bytes(), err
}

// asINI formats credentials as a section of the shared credentials file.
func asINI(pl plan.Plan, c aws.Credentials) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "[%s]\n", pl.Profile)
	for _, v := range variables(pl, c) {
		switch v.name {
		case "AWS_REGION":
			v.name = "region"
		case "AWS_DEFAULT_REGION":
			continue
		case "AWS_ENDPOINT_URL":
			v.name = "endpoint_url"
		case ignoreEndpoints:
			v.name = "ignore_configured_endpoint_urls"
		default:
			if strings.HasPrefix(v.name, "AWS_ENDPOINT_URL_") {
				continue // SDKs do not read the endpoints of single services from the credentials file
			}
		}
		if strings.ContainsAny(v.value, "\r\n") {
			return nil, fmt.Errorf("%s contains a line break, which the credentials file cannot contain", v.name)
		}
		fmt.Fprintf(&b, "%s=%s\n", strings.ToLower(v.name), v.value)
	}
	return b.Bytes(), nil
}
