package fakeaws

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestUser(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	out, err := iamWith(a, static(w.Key)).GetUser(t.Context(), nil)
	wantCode(t, err, "", "")
	if *out.User.UserName != "alice" || *out.User.Arn != w.Alice.ARN() || out.User.CreateDate == nil {
		t.Errorf("user is %+v", out.User)
	}
	_, err = iamWith(a, static(w.Key)).GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("bob")})
	wantCode(t, err, "NoSuchEntity", "bob")
	role, err := assume(t, a, static(w.Key), w.ReadOnly)
	wantCode(t, err, "", "")
	_, err = iamWith(a, role).GetUser(t.Context(), nil)
	wantCode(t, err, "ValidationError", "userName")
}

// TestAccessKeys rotates an access key as a program does: it creates and uses a new key, then deactivates and deletes
// the old key.
func TestAccessKeys(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	client := iamWith(a, static(w.Key))
	made, err := client.CreateAccessKey(t.Context(), nil)
	wantCode(t, err, "", "")
	_, err = client.CreateAccessKey(t.Context(), nil)
	wantCode(t, err, "LimitExceeded", "AccessKeysPerUser: 2")
	key := Key{*made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey}
	_, err = whoami(t, a, static(key))
	wantCode(t, err, "", "")

	client = iamWith(a, static(key))
	old := aws.String(w.Key.ID)
	_, err = client.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{AccessKeyId: old, Status: types.StatusTypeInactive})
	wantCode(t, err, "", "")
	_, err = whoami(t, a, static(w.Key))
	wantCode(t, err, "InvalidClientTokenId", "")
	list, err := client.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String("alice")})
	wantCode(t, err, "", "")
	if m := list.AccessKeyMetadata; len(m) != 2 || *m[0].AccessKeyId != w.Key.ID || m[0].Status != types.StatusTypeInactive || m[1].Status != types.StatusTypeActive {
		t.Errorf("keys are %+v", list.AccessKeyMetadata)
	}
	_, err = client.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{AccessKeyId: old, Status: types.StatusTypeActive})
	wantCode(t, err, "", "")
	_, err = whoami(t, a, static(w.Key))
	wantCode(t, err, "", "")
	_, err = client.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{AccessKeyId: old, Status: "Sleepy"})
	wantCode(t, err, "ValidationError", "status")
	_, err = client.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{AccessKeyId: old})
	wantCode(t, err, "", "")
	_, err = whoami(t, a, static(w.Key))
	wantCode(t, err, "InvalidClientTokenId", "")
	_, err = client.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{AccessKeyId: old})
	wantCode(t, err, "NoSuchEntity", w.Key.ID)
}

func TestKeysOfNobody(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	client, bob := iamWith(a, static(w.Key)), aws.String("bob")
	_, err := client.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: bob})
	wantCode(t, err, "NoSuchEntity", "bob")
	_, err = client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: bob})
	wantCode(t, err, "NoSuchEntity", "bob")
	_, err = client.ListMFADevices(t.Context(), &iam.ListMFADevicesInput{UserName: bob})
	wantCode(t, err, "NoSuchEntity", "bob")
	_, err = client.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: bob, AccessKeyId: aws.String(w.Key.ID), Status: types.StatusTypeActive})
	wantCode(t, err, "NoSuchEntity", "bob")
	_, err = client.EnableMFADevice(t.Context(), &iam.EnableMFADeviceInput{UserName: bob, SerialNumber: aws.String(w.MFA.Serial()), AuthenticationCode1: aws.String("000000"), AuthenticationCode2: aws.String("000000")})
	wantCode(t, err, "NoSuchEntity", "bob")
}

func TestNewKeysMayBeLate(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	a.DelayNewKeys(2)
	made, err := iamWith(a, static(w.Key)).CreateAccessKey(t.Context(), nil)
	wantCode(t, err, "", "")
	key := static(Key{*made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey})
	for _, code := range []string{"InvalidClientTokenId", "InvalidClientTokenId", ""} {
		_, err := whoami(t, a, key)
		wantCode(t, err, code, "")
	}
}

func TestKeyLastUsed(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	client := iamWith(a, static(w.Key))
	unused := w.Alice.AddKey()
	out, err := client.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(unused.ID)})
	wantCode(t, err, "", "")
	if u := out.AccessKeyLastUsed; u.LastUsedDate != nil || *u.ServiceName != "N/A" || *out.UserName != "alice" {
		t.Errorf("unused key: %+v", u)
	}
	out, err = client.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(w.Key.ID)})
	wantCode(t, err, "", "")
	if u := out.AccessKeyLastUsed; u.LastUsedDate == nil || *u.ServiceName != "iam" || *u.Region != "eu-central-1" {
		t.Errorf("used key: %+v", u)
	}
	far := a.AddUser("210987654321", "bob").AddKey()
	_, err = client.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(far.ID)})
	wantCode(t, err, "AccessDenied", far.ID)
}

// TestVirtualMFADevice creates, enables and deletes a device. The two codes that enable the device cannot be used
// again.
func TestVirtualMFADevice(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	client := iamWith(a, static(w.Key))
	made, err := client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	wantCode(t, err, "", "")
	serial, secret := made.VirtualMFADevice.SerialNumber, string(made.VirtualMFADevice.Base32StringSeed)
	_, err = client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	wantCode(t, err, "EntityAlreadyExists", "")
	_, err = client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("a phone")})
	wantCode(t, err, "ValidationError", "virtualMFADeviceName")

	code := func(at time.Time) *string {
		c, err := TOTP(secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	enable := func(one, two *string) error {
		_, err := client.EnableMFADevice(t.Context(), &iam.EnableMFADeviceInput{UserName: aws.String("alice"), SerialNumber: serial, AuthenticationCode1: one, AuthenticationCode2: two})
		return err
	}
	one, two := code(a.Now()), code(a.Now().Add(codeStep))
	wantCode(t, enable(one, one), "InvalidAuthenticationCode", "")
	wantCode(t, enable(two, one), "InvalidAuthenticationCode", "")
	wantCode(t, enable(one, two), "", "")
	wantCode(t, enable(one, two), "EntityAlreadyExists", "in use")

	list, err := client.ListMFADevices(t.Context(), nil)
	wantCode(t, err, "", "")
	if len(list.MFADevices) != 2 || *list.MFADevices[1].SerialNumber != *serial || list.MFADevices[1].EnableDate == nil {
		t.Errorf("devices are %+v", list.MFADevices)
	}
	_, err = client.DeleteVirtualMFADevice(t.Context(), &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	wantCode(t, err, "DeleteConflict", "")
	_, err = client.DeactivateMFADevice(t.Context(), &iam.DeactivateMFADeviceInput{SerialNumber: serial})
	wantCode(t, err, "", "")
	virtual, err := client.ListVirtualMFADevices(t.Context(), &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeUnassigned})
	wantCode(t, err, "", "")
	if len(virtual.VirtualMFADevices) != 1 || *virtual.VirtualMFADevices[0].SerialNumber != *serial {
		t.Errorf("unassigned are %+v", virtual.VirtualMFADevices)
	}
	_, err = client.DeleteVirtualMFADevice(t.Context(), &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	wantCode(t, err, "", "")
	_, err = client.DeleteVirtualMFADevice(t.Context(), &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	wantCode(t, err, "NoSuchEntity", "")
	_, err = client.DeactivateMFADevice(t.Context(), &iam.DeactivateMFADeviceInput{SerialNumber: serial})
	wantCode(t, err, "NoSuchEntity", "")
	wantCode(t, enable(one, two), "NoSuchEntity", "")
}
