package awsapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// A recorder notes the form that a request carries, and answers nothing.
type recorder struct {
	form   url.Values
	signed []string // the names of what the signature covers
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(q.Body)
	r.form, _ = url.ParseQuery(string(body))
	_, names, _ := strings.Cut(q.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	r.signed = strings.Split(names, ";")
	return nil, errors.New("not sent")
}

// The SDK's client is generated from AWS's model, and says how a call is spelled.
func TestCallIsSpelledAsTheSDKSpellsIt(t *testing.T) {
	const arn, odd = "arn:aws:iam::123456789012:role/a", "ü &=+%\"\t"
	ours, theirs := &recorder{}, &recorder{}
	r := newRoom(t)
	r.Network.clients = map[clientKey]*http.Client{{}: {Transport: ours}}
	s := r.sample(func(ctx context.Context, s STS, by aws.Credentials) (aws.Credentials, error) {
		return s.AssumeRole(ctx, by, RoleRequest{
			Role: arn, SessionName: "alice", ExternalID: "x/1", SourceIdentity: "alice@example.com",
			Tags: []Tag{{Key: "A", Value: odd}, {Key: "B"}}, TransitiveTags: []string{"A", "B"},
			Lasts: 20 * time.Minute, Policy: Policy{Inline: odd, ARNs: []string{"arn:1", "arn:2"}},
		}, MFA{})
	})
	s.Endpoint = Endpoint{}
	r.fail(s)
	client := sts.New(sts.Options{
		Region: "eu-west-1", HTTPClient: &http.Client{Transport: theirs}, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return r.key(), nil }),
	})
	_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(arn), RoleSessionName: aws.String("alice"), ExternalId: aws.String("x/1"), SourceIdentity: aws.String("alice@example.com"),
		DurationSeconds: aws.Int32(1200), Policy: aws.String(odd), PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String("arn:1")}, {Arn: aws.String("arn:2")}},
		Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String(odd)}, {Key: aws.String("B"), Value: aws.String("")}}, TransitiveTagKeys: []string{"A", "B"},
	})
	if err == nil || len(theirs.form) < 10 || !reflect.DeepEqual(ours.form, theirs.form) {
		t.Errorf("sent %v, want %v", ours.form, theirs.form)
	}
	for _, name := range []string{"host", "content-type", "x-amz-date"} {
		if !strings.Contains(strings.Join(ours.signed, " "), name) {
			t.Errorf("%s is not signed: %v", name, ours.signed)
		}
	}
}
