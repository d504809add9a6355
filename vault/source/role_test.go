package source

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// sent returns the parameters of a call, except Action and Version.
func sent(c fakeaws.Call) map[string]string {
	m := map[string]string{}
	for name, values := range c.Params {
		if name != "Action" && name != "Version" {
			m[name] = strings.Join(values, "|")
		}
	}
	return m
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func TestAssumeRoleParameters(t *testing.T) {
	r := newFixture(t)
	r.aws.AddRole("arn:aws:iam::123456789012:role/ext", fakeaws.Role{Trusts: []string{r.world.Alice.ARN()}, ExternalID: "ticket-7"})
	s := r.step(plan.KindAssumeRole, plan.AssumeRole{
		ARN: "arn:aws:iam::123456789012:role/ext", SessionName: "alice@laptop", ExternalID: "ticket-7", SourceIdentity: "alice",
		Tags: []profile.Tag{{Key: "Cost", Value: "42"}, {Key: "Team", Value: "blue"}}, TransitiveTags: []string{"Team"},
	})
	s.Duration, s.Region = 20*time.Minute, "eu-central-1"
	s.Policy = policy.Policy{Inline: allowAll, ARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}
	c := r.create(s)
	call := r.wantCalls(1)[0]
	want := map[string]string{
		"RoleArn": "arn:aws:iam::123456789012:role/ext", "RoleSessionName": "alice@laptop", "ExternalId": "ticket-7", "SourceIdentity": "alice",
		"Tags.member.1.Key": "Cost", "Tags.member.1.Value": "42", "Tags.member.2.Key": "Team", "Tags.member.2.Value": "blue",
		"TransitiveTagKeys.member.1": "Team", "DurationSeconds": "1200", "Policy": allowAll,
		"PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
	}
	if got := sent(call); !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if call.Region != "eu-central-1" || call.AccessKeyID != r.world.Key.ID || call.UserAgent != "aws-vault" {
		t.Errorf("signed for %s by %s as %s", call.Region, call.AccessKeyID, call.UserAgent)
	}
	if !c.CanExpire || !c.Expires.Equal(r.aws.Now().Add(20*time.Minute)) || c.AccountID != "123456789012" || c.SessionToken == "" {
		t.Errorf("got credentials until %s of account %q", c.Expires, c.AccountID)
	}
}

// Parameters that the plan does not set are not sent, so AWS's defaults apply.
func TestAssumeRoleOmitsUnsetParameters(t *testing.T) {
	r := newFixture(t)
	r.create(r.readOnly())
	want := map[string]string{"RoleArn": r.world.ReadOnly, "RoleSessionName": "alice"}
	if got := sent(r.wantCalls(1)[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestSessionTokenParameters(t *testing.T) {
	r := newFixture(t)
	s := r.step(plan.KindSessionToken, plan.SessionToken{})
	s.Duration = 8 * time.Hour
	c := r.create(s)
	if got, want := sent(r.wantCalls(1)[0]), map[string]string{"DurationSeconds": "28800"}; !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if c.AccountID != r.world.Account {
		t.Errorf("the account is %q, want the key's", c.AccountID)
	}
}

func TestAssumeRoleOnASession(t *testing.T) {
	r := newFixture(t)
	before := r.create(r.userSession())
	s := r.step(plan.KindAssumeRole, plan.AssumeRole{ARN: r.world.Hub, SessionName: "alice"})
	if _, err := r.Create(t.Context(), s, before); err != nil {
		t.Fatal(err)
	}
	if call := r.wantCalls(2)[1]; call.AccessKeyID != before.AccessKeyID || call.Header.Get("X-Amz-Security-Token") != before.SessionToken {
		t.Errorf("signed by %s, want the session %s", call.AccessKeyID, before.AccessKeyID)
	}
}

func TestSessionNameFromUserName(t *testing.T) {
	r := newFixture(t)
	s := r.step(plan.KindAssumeRole, plan.AssumeRole{ARN: r.world.ReadOnly, SessionName: "v-" + plan.UserName})
	r.create(s)
	calls := r.wantCalls(2)
	if calls[0].Action != "GetCallerIdentity" || calls[1].Params.Get("RoleSessionName") != "v-alice" {
		t.Errorf("called %v", r.aws.Actions())
	}
}

// The session name contains the user's name without its path. The name is enough to identify the user, because user
// names are unique in an account.
func TestSessionNameWithoutPath(t *testing.T) {
	r := newFixture(t)
	carol := r.aws.AddUser(r.world.Account, "team/blue/carol")
	r.aws.AddRole(r.world.ReadOnly, fakeaws.Role{Trusts: []string{carol.ARN()}})
	key := carol.AddKey()
	s := r.step(plan.KindAssumeRole, plan.AssumeRole{ARN: r.world.ReadOnly, SessionName: plan.UserName})
	if _, err := r.Create(t.Context(), s, aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}); err != nil {
		t.Fatal(err)
	}
	if got := r.wantCalls(2)[1].Params.Get("RoleSessionName"); got != "carol" {
		t.Errorf("the session is named %q", got)
	}
}

func TestSessionNameOfRoleIsRefused(t *testing.T) {
	r := newFixture(t)
	before := r.create(r.readOnly())
	s := r.step(plan.KindAssumeRole, plan.AssumeRole{ARN: r.world.Prod, SessionName: plan.UserName})
	_, err := r.Create(t.Context(), s, before)
	r.wantText(err, "profile p", "assumed-role/readonly/alice", "expected an IAM user")
	r.aws.Fail(fakeaws.Fault{Action: "GetCallerIdentity", Code: "AccessDenied", Status: 403})
	if e := failAs[*awsapi.APIError](r, s); e.Action != "GetCallerIdentity" {
		t.Errorf("the error is about %s", e.Action)
	}
}

func TestRefusalIsReported(t *testing.T) {
	r := newFixture(t)
	e := failAs[*awsapi.APIError](r, r.step(plan.KindAssumeRole, plan.AssumeRole{ARN: r.world.Prod, SessionName: "alice"}))
	if e.Action != "AssumeRole" || e.Resource != r.world.Prod || e.Code != "AccessDenied" || e.Status != 403 || e.Retry {
		t.Errorf("got %+v", e)
	}
	r.wantText(e, "AssumeRole of "+r.world.Prod+": AWS returned AccessDenied: ")
	r.wantCalls(1)
	r.aws.Fail(fakeaws.Fault{Code: "RegionDisabledException", Status: 403})
	r.wantText(r.fail(r.step(plan.KindSessionToken, plan.SessionToken{})), "GetSessionToken: AWS returned RegionDisabledException")
}

// AWS's signature errors quote the request's headers. Secrets in them must be masked.
func TestRefusalIsOneLineWithoutSecrets(t *testing.T) {
	r := newFixture(t)
	before := r.create(r.readOnly())
	r.addSecret(before.SessionToken)
	r.aws.Fail(fakeaws.Fault{Code: "SignatureDoesNotMatch\x1b[2J", Message: "canonical:\nx-amz-security-token:" + before.SessionToken + "\n" +
		url.QueryEscape(before.SessionToken) + " " + before.SecretAccessKey + "\n\x1b[31m" + strings.Repeat("ä", 3000)})
	_, err := r.Create(t.Context(), r.readOnly(), before)
	r.noSecret("error", err.Error())
	if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 1300 || strings.Contains(err.Error(), before.SecretAccessKey) {
		t.Errorf("got %q", err)
	}
	r.wantText(err, "canonical: x-amz-security-token:**** ****")
}
