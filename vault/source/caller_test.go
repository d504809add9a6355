package source

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
	"aws-vault/vault/vaulttest"
)

func TestCallerRefused(t *testing.T) {
	r := newRoom(t)
	place := plan.Call{Service: "sts", Region: "eu-west-1", Endpoint: plan.Endpoint{URL: r.aws.URL(), Origin: "AWS_ENDPOINT_URL"}}
	who, err := r.Caller(t.Context(), place, r.key())
	if err != nil || who != (Caller{ARN: r.world.Alice.ARN(), Account: r.world.Account}) {
		t.Errorf("Caller returned %+v, %v", who, err)
	}
	dead := aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: r.keep("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}
	var refused *APIError
	if _, err := r.Caller(t.Context(), place, dead); !errors.As(err, &refused) || refused.Code != "InvalidClientTokenId" {
		t.Errorf("a deleted key: %v", err)
	}
	r.aws.Fail(vaulttest.Fault{Action: "GetCallerIdentity", HTML: true})
	var foreign *NotAWSError
	if _, err := r.Caller(t.Context(), place, r.key()); !errors.As(err, &foreign) {
		t.Errorf("a sign-in page: %v", err)
	}
}
