package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"aws-vault/vault/plan"
)

// MFADevices are the virtual MFA devices of one IAM user, as IAM makes and removes them. Its
// methods' errors are as those of [Deps.Make]; none of them shows a secret or a code.
type MFADevices struct {
	Deps  *Deps
	At    plan.Call
	User  string          // the user's name
	Creds aws.Credentials // who calls
}

// Create makes a device that is nobody's yet, and returns its serial and what it shares with
// AWS, in base32. It is asked for once: an answer that is lost may have made one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
func (m MFADevices) Create(ctx context.Context, name string) (serial string, secret []byte, err error) {
	var out *iam.CreateVirtualMFADeviceOutput
	err = m.call(ctx, call{action: "CreateVirtualMFADevice", once: true}, func(ctx context.Context, client *iam.Client) (err error) {
		out, err = client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(name)})
		return err
	})
	if err != nil {
		return "", nil, err
	}
	if d := out.VirtualMFADevice; d != nil && aws.ToString(d.SerialNumber) != "" && len(d.Base32StringSeed) > 0 {
		return aws.ToString(d.SerialNumber), d.Base32StringSeed, nil
	}
	return "", nil, fmt.Errorf("CreateVirtualMFADevice: %s answered without a device", AccessKeys(m).place())
}

// Enable makes a device the user's. AWS wants two codes that follow each other.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
func (m MFADevices) Enable(ctx context.Context, serial, first, second string) error {
	c := call{action: "EnableMFADevice", once: true, secrets: []string{first, second}}
	return m.call(ctx, c, func(ctx context.Context, client *iam.Client) error {
		_, err := client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
			UserName: aws.String(m.User), SerialNumber: aws.String(serial),
			AuthenticationCode1: aws.String(first), AuthenticationCode2: aws.String(second),
		})
		return err
	})
}

// Delete deletes a device that is nobody's. See [InUse].
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
func (m MFADevices) Delete(ctx context.Context, serial string) error {
	return m.call(ctx, call{action: "DeleteVirtualMFADevice"}, func(ctx context.Context, client *iam.Client) error {
		_, err := client.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: aws.String(serial)})
		return err
	})
}

// InUse reports whether a device was not deleted because it is somebody's.
func InUse(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.Code == "DeleteConflict"
}

func (m MFADevices) call(ctx context.Context, c call, act func(context.Context, *iam.Client) error) error {
	return AccessKeys(m).call(ctx, c, act)
}
