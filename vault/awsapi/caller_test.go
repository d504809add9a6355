package awsapi

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/vaulttest"
)

func TestCallerRefused(t *testing.T) {
	r := newRoom(t)
	sts := r.here()
	who, err := sts.Caller(t.Context(), r.key())
	if err != nil || who != (Caller{ARN: r.world.Alice.ARN(), Account: r.world.Account}) {
		t.Errorf("Caller returned %+v, %v", who, err)
	}
	dead := aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: r.keep("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}
	var refused *APIError
	if _, err := sts.Caller(t.Context(), dead); !errors.As(err, &refused) || refused.Code != "InvalidClientTokenId" {
		t.Errorf("a deleted key: %v", err)
	}
	r.aws.Fail(vaulttest.Fault{Action: "GetCallerIdentity", HTML: true})
	var foreign *NotAWSError
	if _, err := sts.Caller(t.Context(), r.key()); !errors.As(err, &foreign) {
		t.Errorf("a sign-in page: %v", err)
	}
}
