package fakeaws

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A second fake at the same address continues with the saved state of the first fake.
func TestSaveAndRestore(t *testing.T) {
	begin := func(a *AWS, now time.Time) (World, *Issuer) {
		t.Cleanup(a.Close)
		a.SetClock(func() time.Time { return now })
		w := a.Example()
		i, err := a.AddIssuer(w.Account, "corp", "aws-vault")
		if err != nil {
			t.Fatal(err)
		}
		a.AddRole("arn:aws:iam::123456789012:role/web", Role{Trusts: []string{i.ARN()}})
		portal := a.AddSSO("https://corp.awsapps.com/start", "eu-west-1")
		portal.AutoApprove(true)
		return w, i
	}
	now := time.Now()
	first, err := NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	w, issuer := begin(first, now)
	hub, err := assume(t, first, userSessionOf(t, first, w.Key, w.MFA), w.Hub)
	wantCode(t, err, "", "")
	token, err := issuer.Token("alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := oidcOf(first).RegisterClient(t.Context(), &ssooidc.RegisterClientInput{
		ClientName: aws.String("test"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
	})
	wantCode(t, err, "", "")
	device, err := oidcOf(first).StartDeviceAuthorization(t.Context(), &ssooidc.StartDeviceAuthorizationInput{
		ClientId: client.ClientId, ClientSecret: client.ClientSecret, StartUrl: aws.String("https://corp.awsapps.com/start"),
	})
	wantCode(t, err, "", "")
	tokens, err := oidcOf(first).CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: client.ClientId, ClientSecret: client.ClientSecret, GrantType: aws.String(deviceGrant), DeviceCode: device.DeviceCode,
	})
	wantCode(t, err, "", "")
	saved, err := first.Save()
	if err != nil {
		t.Fatal(err)
	}
	first.Close()

	second, err := NewAWSAt(strings.TrimPrefix(first.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	begin(second, now)
	if err := second.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if again, err := second.Save(); err != nil || !bytes.Equal(again, saved) {
		t.Errorf("saved again it is %s, %v; want %s", again, err, saved)
	}
	prod, err := assume(t, second, hub, w.Prod)
	wantCode(t, err, "", "")
	if prod.AccessKeyID == hub.AccessKeyID {
		t.Error("an id was given twice")
	}
	_, err = stsWith(second, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/web"), RoleSessionName: aws.String("test"), WebIdentityToken: aws.String(token),
	})
	wantCode(t, err, "", "")
	_, err = oidcOf(second).CreateToken(t.Context(), &ssooidc.CreateTokenInput{
		ClientId: client.ClientId, ClientSecret: client.ClientSecret, GrantType: aws.String(refreshGrant), RefreshToken: tokens.RefreshToken,
	})
	wantCode(t, err, "", "")
}
