package awsapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const metadataJSON = `{"Code":"Success","AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"EXAMPLESECRET","Token":"EXAMPLETOKEN","Expiration":"2030-01-02T13:00:00Z"}`

// No response leads to credentials that contain a space or a control character. No response leads to an error
// message of several lines.
func FuzzResponses(f *testing.F) {
	f.Add([]byte(sessionXML("2030-01-02T13:00:00Z")))
	f.Add([]byte(`<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`))
	f.Add([]byte(metadataJSON))
	f.Add([]byte(`{"__type":"a#InvalidGrantException:x","error_description":"no"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := call{action: "AssumeRole"}
		var g stsResult
		if readResult(body, "AssumeRoleResult", &g) == nil {
			if creds, err := c.credentials(g); err == nil {
				checkKey(t, creds)
			}
		}
		if creds, err := readCredentials(body); err == nil && InvalidReason(creds) == "" {
			checkKey(t, creds)
		}
		for _, read := range []func(*refusal, http.Header, []byte){readQueryError, readJSONError, readContainerError} {
			var e refusal
			read(&e, http.Header{"Content-Type": {"application/json"}}, body)
			if text := c.clean(e.message); strings.ContainsAny(text, "\r\n\x1b") || len(text) > maxMessage+len("…") {
				t.Errorf("message is %q, want one short line", text)
			}
		}
	})
}

func checkKey(t *testing.T, c aws.Credentials) {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" || strings.ContainsAny(c.AccessKeyID+c.SecretAccessKey+c.SessionToken+c.AccountID, " \r\n\x00") {
		t.Errorf("invalid credentials were accepted (access key ID %q)", c.AccessKeyID)
	}
}
