package awsapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// MFADevices are the virtual MFA devices of one IAM user, as IAM makes and removes them. Its
// methods' errors are as those of [STS]; none of them shows a secret or a code.
type MFADevices struct {
	Client *Client
	At     Target
	User   string          // the user's name
	Creds  aws.Credentials // who calls
}

// Create makes a device that is nobody's yet, and returns its serial and what it shares with
// AWS, in base32. It is asked for once: an answer that is lost may have made one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
func (m MFADevices) Create(ctx context.Context, name string) (serial string, secret []byte, err error) {
	var out struct {
		Serial string `xml:"VirtualMFADevice>SerialNumber"`
		Seed   []byte `xml:"VirtualMFADevice>Base32StringSeed"` // the base32 text, in base64
	}
	if _, err := m.call(ctx, call{action: "CreateVirtualMFADevice", once: true}, parameters{"VirtualMFADeviceName": {name}}, &out); err != nil {
		return "", nil, err
	}
	secret, err = base64.StdEncoding.AppendDecode(nil, out.Seed)
	clear(out.Seed)
	if err != nil || out.Serial == "" || len(secret) == 0 {
		return "", nil, fmt.Errorf("CreateVirtualMFADevice: %s answered without a device", AccessKeys(m).place())
	}
	return out.Serial, secret, nil
}

// Enable makes a device the user's. AWS wants two codes that follow each other.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
func (m MFADevices) Enable(ctx context.Context, serial, first, second string) error {
	c := call{action: "EnableMFADevice", once: true, secrets: []string{first, second}}
	_, err := m.call(ctx, c, parameters{
		"UserName": {m.User}, "SerialNumber": {serial}, "AuthenticationCode1": {first}, "AuthenticationCode2": {second},
	}, nil)
	return err
}

// Delete deletes a device that is nobody's. See [InUse].
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
func (m MFADevices) Delete(ctx context.Context, serial string) error {
	_, err := m.call(ctx, call{action: "DeleteVirtualMFADevice"}, parameters{"SerialNumber": {serial}}, nil)
	return err
}

// InUse reports whether a device was not deleted because it is somebody's.
func InUse(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.Code == "DeleteConflict"
}

func (m MFADevices) call(ctx context.Context, c call, in parameters, out any) (http.Header, error) {
	return AccessKeys(m).call(ctx, c, in, out)
}
