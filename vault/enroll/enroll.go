// Package enroll creates an MFA device at AWS and gives its secret to something that generates
// codes.
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

// An Authenticator holds what MFA devices share with AWS, and tells their codes.
type Authenticator interface {
	// CheckAvailable reports whether an account of that name can be put there. It fails where one is there.
	CheckAvailable(ctx context.Context, name string) error
	Put(ctx context.Context, name string, secret []byte) error // in base32
	Delete(ctx context.Context, name string) error             // one that is not there is no failure
	// CodePair returns two codes that follow each other; the second is that of now.
	CodePair(ctx context.Context, name string) (first, second string, err error)
}

// An Enrolment makes a virtual MFA device for the user whose key a plan begins from, with its
// secret in an authenticator. What it makes is taken back if it fails on its way.
type Enrollment struct {
	Vault         *vault.Vault
	Plan          plan.Plan // made for plan.Rotate, which calls IAM as this does
	Options       plan.Options
	Authenticator Authenticator
}

// LeftoverError is returned where something that was made could not be taken back.
type LeftoverError struct {
	Serial      string
	AtAWS       bool  // the device is there, and perhaps nobody's
	OnKey       bool  // its account is in the authenticator
	Err         error // cause it was to be taken back
	RollbackErr error // cause it was not
}

func (e *LeftoverError) Error() string {
	var left []string
	if e.AtAWS {
		left = append(left, "at AWS")
	}
	if e.OnKey {
		left = append(left, "on the key")
	}
	return fmt.Sprintf("%v; %s is left %s: %v", e.Err, e.Serial, strings.Join(left, " and "), e.RollbackErr)
}

// Unwrap returns both errors.
func (e *LeftoverError) Unwrap() []error { return []error{e.Err, e.RollbackErr} }

// rollbackTimeout is how long taking back may last, once the user has cancelled.
const rollbackTimeout = 30 * time.Second

// minValidity is how long credentials must serve for creating a device and enabling it.
const minValidity = 10 * time.Minute

// Run makes the device of that name, and returns its serial. It fails with a [*NotUserError],
// as the calls to AWS or the authenticator do, or with a [*LeftoverError].
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

// prepare finds out who the user is, what the device will be called, and what calls IAM.
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
	m := awsapi.MFADevices{Client: e.Vault.Source.AWS, At: source.Target(e.Plan.Call("iam")), User: user, Creds: key}
	if len(e.Plan.Steps) > 1 {
		m.Creds, err = e.Vault.Credentials(ctx, e.Plan, e.Options, minValidity)
	}
	return m, before + ":iam::" + caller.Account + ":mfa/" + name, err
}

// enable shows AWS two codes. The later one is remembered as sent.
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

// rollBack deletes what was made, and returns why. A device that AWS does not delete since it
// is somebody's was enabled after all: the answer was lost.
func (e *Enrollment) rollBack(ctx context.Context, devices awsapi.MFADevices, serial string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	err := devices.Delete(ctx, serial)
	if awsapi.InUse(err) && awsapi.Unsure(cause) {
		return nil
	}
	leftover := &LeftoverError{Serial: serial, AtAWS: err != nil, Err: cause, RollbackErr: err}
	if err := e.Authenticator.Delete(ctx, serial); err != nil {
		leftover.OnKey, leftover.RollbackErr = true, err
	}
	if leftover.AtAWS || leftover.OnKey {
		return leftover
	}
	return cause
}
