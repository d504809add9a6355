package rotation

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/store"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

const (
	oldID   = "AKIAIOSFODNN7EXAMPLE"
	newID   = "AKIAI44QH8DHBEXAMPLE"
	thirdID = "AKIAIOTHERKEYEXAMPLE"
)

// TestMayBeLostKey checks that a key counts as lost only if the call whose response was lost may have created it.
func TestMayBeLostKey(t *testing.T) {
	j := store.Rotation{
		Old: aws.Credentials{AccessKeyID: oldID}, New: aws.Credentials{AccessKeyID: newID},
		Before: []string{oldID, "AKIAITHERALREADYEXAM"}, From: noon.Add(300 * time.Millisecond), Until: noon.Add(35 * time.Second),
	}
	for _, tt := range []struct {
		name string
		key  awsapi.AccessKey
		want bool
	}{
		{"created during the call", awsapi.AccessKey{ID: thirdID, Created: noon.Add(10 * time.Second)}, true},
		{"created in the first second", awsapi.AccessKey{ID: thirdID, Created: noon}, true},
		{"created in the last second", awsapi.AccessKey{ID: thirdID, Created: noon.Add(35 * time.Second)}, true},
		{"created before", awsapi.AccessKey{ID: thirdID, Created: noon.Add(-time.Second)}, false},
		{"created after", awsapi.AccessKey{ID: thirdID, Created: noon.Add(36 * time.Second)}, false},
		{"without a date", awsapi.AccessKey{ID: thirdID}, false},
		{"listed before", awsapi.AccessKey{ID: "AKIAITHERALREADYEXAM", Created: noon.Add(time.Second)}, false},
		{"the old key", awsapi.AccessKey{ID: oldID, Created: noon.Add(time.Second)}, false},
		{"the new key", awsapi.AccessKey{ID: newID, Created: noon.Add(time.Second)}, false},
	} {
		if got := mayBeLostKey(tt.key, j); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestQuotaError(t *testing.T) {
	err := &QuotaError{Name: "alice", User: "alice", Keys: []KeyUse{
		{AccessKey: awsapi.AccessKey{ID: oldID, Active: true, Created: noon}, Stored: true, Used: noon.AddDate(0, 1, 0), Service: "s3"},
		{AccessKey: awsapi.AccessKey{ID: "AKIAIOSFODNN7NEVERUS", Created: noon}},
		{AccessKey: awsapi.AccessKey{ID: "X", Created: noon}, Unknown: true},
	}}
	for _, want := range []string{
		"user alice has 3 access keys, and AWS allows 2: ",
		"****************MPLE (active, created 2030-01-01, in the keystore, last used 2030-02-01 for s3), ",
		"****************ERUS (inactive, created 2030-01-01, never used), ",
		"****************X (inactive, created 2030-01-01, last use unknown)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %q, want it to contain %q", err, want)
		}
	}
	if strings.Contains(err.Error(), oldID) {
		t.Error("the error contains a full key ID")
	}
}
