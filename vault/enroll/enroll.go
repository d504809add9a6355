// Package enroll creates an MFA device at AWS and stores its secret in an authenticator, which generates
// the codes.
package enroll

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
)

// An Authenticator stores the secrets of MFA devices and generates their codes.
type Authenticator interface {
	// CheckAvailable returns an error if an account with the given name cannot be added, for example because the
	// account already exists.
	CheckAvailable(ctx context.Context, name string) error
	Put(ctx context.Context, name string, secret []byte) error // the secret is in base32
	Delete(ctx context.Context, name string) error             // deleting an unknown account is not an error
	// CodePair returns the codes of two consecutive time steps. The second code is the current one.
	CodePair(ctx context.Context, name string) (first, second string, err error)
}

// An Enrollment creates a virtual MFA device for an IAM user, and stores the device's secret in an authenticator. The
// user is the owner of the plan's access key. If an Enrollment fails, it deletes what it has created.
type Enrollment struct {
	Vault         *vault.Vault
	Plan          plan.Plan // plan for plan.Rotate, because an enrollment needs the same credentials for IAM as a rotation
	Options       plan.Options
	Authenticator Authenticator
}

// LeftoverError is returned if an enrollment failed and could not delete everything that it had created.
type LeftoverError struct {
	Serial      string
	AtAWS       bool  // the device still exists at AWS
	OnKey       bool  // the authenticator still has the account
	Err         error // why the enrollment failed
	RollbackErr error // why the deletion failed
}

func (e *LeftoverError) Error() string {
	var left []string
	if e.AtAWS {
		left = append(left, "at AWS")
	}
	if e.OnKey {
		left = append(left, "on the key")
	}
	return fmt.Sprintf("%v; %s still exists %s because it could not be deleted: %v", e.Err, e.Serial, strings.Join(left, " and "), e.RollbackErr)
}

// Unwrap returns the error of the enrollment and the error of the deletion.
func (e *LeftoverError) Unwrap() []error { return []error{e.Err, e.RollbackErr} }

// rollbackTimeout is the time limit for rollBack, which also runs if the user has cancelled the enrollment.
const rollbackTimeout = 30 * time.Second

// minValidity is the validity that the credentials need, because they are used to create and enable the device.
const minValidity = 10 * time.Minute

// Run creates an MFA device with the given name and returns the device's serial. It fails with a [*vault.NotUserError],
// a [*LeftoverError], or an error of AWS or of the authenticator.
func (e *Enrollment) Run(ctx context.Context, name string) (string, error) {
	devices, expected, err := e.prepare(ctx, name)
	if err != nil {
		return "", err
	}
	if err := e.Authenticator.CheckAvailable(ctx, expected); err != nil {
		return "", err
	}
	serial, secret, err := devices.Create(ctx, name)
	if err != nil {
		return "", err
	}
	defer clear(secret)
	if err = e.Authenticator.Put(ctx, serial, secret); err == nil {
		err = e.enable(ctx, devices, serial)
	}
	if err != nil {
		return serial, e.rollBack(ctx, devices, serial, err)
	}
	return serial, nil
}

// prepare looks up the IAM user. It returns a client that manages the user's MFA devices, and the serial that the
// new device will have.
func (e *Enrollment) prepare(ctx context.Context, name string) (awsapi.MFADevices, string, error) {
	first := e.Plan.Steps[0]
	key, err := e.Vault.Keys.Key(ctx, first.Profile)
	if err != nil {
		return awsapi.MFADevices{}, "", err
	}
	caller, err := e.Vault.Source.STS(e.Plan.Call("sts")).Caller(ctx, key)
	if err != nil {
		return awsapi.MFADevices{}, "", err
	}
	user, ok := caller.User()
	if !ok {
		return awsapi.MFADevices{}, "", &vault.NotUserError{Name: first.Profile, Caller: caller.ARN}
	}
	before, _, _ := strings.Cut(caller.ARN, ":iam:")
	m := awsapi.MFADevices{Client: e.Vault.Source.AWS, Target: source.Target(e.Plan.Call("iam")), User: user, Creds: key}
	if len(e.Plan.Steps) > 1 {
		m.Creds, err = e.Vault.Credentials(ctx, e.Plan, e.Options, minValidity)
	}
	return m, before + ":iam::" + caller.Account + ":mfa/" + name, err
}

// enable sends two codes of the device to AWS. It records the second code as used.
func (e *Enrollment) enable(ctx context.Context, devices awsapi.MFADevices, serial string) error {
	first, second, err := e.Authenticator.CodePair(ctx, serial)
	if err != nil {
		return err
	}
	ctx, device, err := e.Vault.Source.Codes.LockDevice(ctx, serial, "the MFA code of "+serial)
	if err != nil {
		return err
	}
	defer device.Close()
	if err := device.MarkSent(second); err != nil {
		return err
	}
	return devices.Enable(ctx, serial, first, second)
}

// rollBack deletes the device and its secret, and returns the error of the enrollment, the argument cause. If the
// response to EnableMFADevice was lost, AWS may have enabled the device. AWS then refuses to delete the device.
// This refusal shows that the enrollment has succeeded, so rollBack returns nil.
func (e *Enrollment) rollBack(ctx context.Context, devices awsapi.MFADevices, serial string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	err := devices.Delete(ctx, serial)
	if awsapi.InUse(err) && awsapi.MayHaveSucceeded(cause) {
		return nil
	}
	leftover := &LeftoverError{Serial: serial, AtAWS: err != nil, Err: cause, RollbackErr: err}
	if err := e.Authenticator.Delete(ctx, serial); err != nil {
		leftover.OnKey = true
		if leftover.AtAWS {
			err = fmt.Errorf("%w; %w", leftover.RollbackErr, err)
		}
		leftover.RollbackErr = err
	}
	if leftover.AtAWS || leftover.OnKey {
		return leftover
	}
	return cause
}
