package awsapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// MFADevices creates, enables and deletes the virtual MFA devices of one IAM user. Its errors are like those of [STS],
// and contain no secret and no code.
type MFADevices struct {
	Client *Client
	Target Target
	User   string          // user name
	Creds  aws.Credentials // credentials that sign the calls
}

// Create creates a device that is not assigned to a user, and returns its serial number and its secret in base32.
// It does not retry a failed call: if the response is lost, IAM may have created the device.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
func (m MFADevices) Create(ctx context.Context, name string) (serial string, secret []byte, err error) {
	var out struct {
		Serial string `xml:"VirtualMFADevice>SerialNumber"`
		Seed   []byte `xml:"VirtualMFADevice>Base32StringSeed"` // secret in base32, encoded as base64
	}
	if _, err := m.call(ctx, call{action: "CreateVirtualMFADevice", once: true}, parameters{"VirtualMFADeviceName": {name}}, &out); err != nil {
		return "", nil, err
	}
	secret, err = base64.StdEncoding.AppendDecode(nil, out.Seed)
	clear(out.Seed)
	if err != nil || out.Serial == "" || len(secret) == 0 {
		return "", nil, fmt.Errorf("CreateVirtualMFADevice: no device in the response from %s", AccessKeys(m).endpointName())
	}
	return out.Serial, secret, nil
}

// Enable assigns a device to the user. AWS requires two consecutive codes.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
func (m MFADevices) Enable(ctx context.Context, serial, first, second string) error {
	c := call{action: "EnableMFADevice", once: true, secrets: []string{first, second}}
	_, err := m.call(ctx, c, parameters{
		"UserName": {m.User}, "SerialNumber": {serial}, "AuthenticationCode1": {first}, "AuthenticationCode2": {second},
	}, nil)
	return err
}

// Delete deletes a device that is not assigned to a user. [InUse] recognizes the error for an assigned device.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
func (m MFADevices) Delete(ctx context.Context, serial string) error {
	_, err := m.call(ctx, call{action: "DeleteVirtualMFADevice"}, parameters{"SerialNumber": {serial}}, nil)
	return err
}

// InUse reports whether [MFADevices.Delete] failed because the device is assigned to a user.
func InUse(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.Code == "DeleteConflict"
}

func (m MFADevices) call(ctx context.Context, c call, in parameters, out any) (http.Header, error) {
	return AccessKeys(m).call(ctx, c, in, out)
}
