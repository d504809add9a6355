package enroll_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/enroll"
	"aws-vault/vault/plan"
)

// A fakeAuthenticator is an Authenticator in memory.
type fakeAuthenticator struct {
	aws                                  *fakeaws.AWS
	secrets                              map[string]string
	checkErr, putErr, pairErr, deleteErr error
	cancel                               func() // called by CodePair, to simulate that the user cancels
}

func (d *fakeAuthenticator) CheckAvailable(_ context.Context, name string) error {
	if _, ok := d.secrets[name]; ok {
		return errors.New("name exists")
	}
	return d.checkErr
}

func (d *fakeAuthenticator) Put(_ context.Context, name string, secret []byte) error {
	if d.putErr == nil {
		d.secrets[name] = string(secret)
	}
	return d.putErr
}

func (d *fakeAuthenticator) Delete(_ context.Context, name string) error {
	if d.deleteErr == nil {
		delete(d.secrets, name)
	}
	return d.deleteErr
}

func (d *fakeAuthenticator) CodePair(_ context.Context, name string) (first, second string, err error) {
	if d.cancel != nil {
		d.cancel()
	}
	if d.pairErr != nil {
		return "", "", d.pairErr
	}
	now := d.aws.Now()
	if first, err = fakeaws.TOTP(d.secrets[name], now.Add(-30*time.Second)); err != nil {
		return "", "", err
	}
	second, err = fakeaws.TOTP(d.secrets[name], now)
	return first, second, err
}

const phone = "arn:aws:iam::123456789012:mfa/phone"

// newEnrollment returns an enrollment for alice in a new vault.
func newEnrollment(t *testing.T) (*testvault.World, *enroll.Enrollment, *fakeAuthenticator) {
	t.Helper()
	w := testvault.New(t, "[profile alice]\n")
	w.StoreKey(t, "alice")
	o := plan.Options{Purpose: plan.Rotate}
	pl, err := w.Plan(t.Context(), "alice", o)
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeAuthenticator{aws: w.AWS, secrets: map[string]string{}}
	return w, &enroll.Enrollment{Vault: w.Vault, Plan: pl, Options: o, Authenticator: d}, d
}

func actions(w *testvault.World) string {
	var names []string
	for _, c := range w.AWS.Calls() {
		names = append(names, c.Action)
	}
	w.AWS.Reset()
	return strings.Join(names, " ")
}

func TestEnroll(t *testing.T) {
	w, e, d := newEnrollment(t)
	serial, err := e.Run(t.Context(), "phone")
	if err != nil || serial != phone || len(d.secrets) != 1 {
		t.Fatalf("%s, %v, %d secrets", serial, err, len(d.secrets))
	}
	if got := actions(w); got != "GetCallerIdentity CreateVirtualMFADevice EnableMFADevice" {
		t.Errorf("AWS received the calls %s", got)
	}
	code, err := fakeaws.TOTP(d.secrets[phone], w.AWS.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, device, err := w.Source.Codes.LockDevice(t.Context(), phone, "")
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if !device.WasSent(code) {
		t.Error("the code is not recorded as used")
	}
}

// TestEnrollRollsBack checks that a failed enrollment deletes the device and the secret, or reports which of the two
// still exist.
func TestEnrollRollsBack(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		breaks func(*testvault.World, *fakeAuthenticator)
		calls  string // the expected calls to AWS after GetCallerIdentity
		want   string // a part of the expected error
		left   enroll.LeftoverError
	}{
		"no room":    {func(_ *testvault.World, d *fakeAuthenticator) { d.checkErr = broken }, "", "broken", enroll.LeftoverError{}},
		"name taken": {func(_ *testvault.World, d *fakeAuthenticator) { d.secrets[phone] = "x" }, "", "name exists", enroll.LeftoverError{}},
		"not created": {func(w *testvault.World, _ *fakeAuthenticator) {
			w.AWS.Fail(fakeaws.Fault{Action: "CreateVirtualMFADevice", Status: 403, Code: "AccessDenied"})
		}, "CreateVirtualMFADevice", "AccessDenied", enroll.LeftoverError{}},
		"not put":  {func(_ *testvault.World, d *fakeAuthenticator) { d.putErr = broken }, "CreateVirtualMFADevice DeleteVirtualMFADevice", "broken", enroll.LeftoverError{}},
		"no codes": {func(_ *testvault.World, d *fakeAuthenticator) { d.pairErr = broken }, "CreateVirtualMFADevice DeleteVirtualMFADevice", "broken", enroll.LeftoverError{}},
		"not enabled": {func(w *testvault.World, _ *fakeAuthenticator) {
			w.AWS.Fail(fakeaws.Fault{Action: "EnableMFADevice", Status: 403, Code: "AccessDenied"})
		}, "CreateVirtualMFADevice EnableMFADevice DeleteVirtualMFADevice", "AccessDenied", enroll.LeftoverError{}},
		"not deleted": {func(w *testvault.World, d *fakeAuthenticator) {
			d.pairErr = broken
			w.AWS.Fail(fakeaws.Fault{Action: "DeleteVirtualMFADevice", Status: 403, Code: "AccessDenied"})
		}, "CreateVirtualMFADevice DeleteVirtualMFADevice", "broken; " + phone + " still exists at AWS because it could not be deleted: ", enroll.LeftoverError{AtAWS: true}},
		"not deleted and not forgotten": {func(w *testvault.World, d *fakeAuthenticator) {
			d.pairErr, d.deleteErr = broken, errors.New("pulled")
			w.AWS.Fail(fakeaws.Fault{Action: "DeleteVirtualMFADevice", Status: 403, Code: "AccessDenied", Message: "no"})
		}, "CreateVirtualMFADevice DeleteVirtualMFADevice", "AccessDenied: no; pulled", enroll.LeftoverError{AtAWS: true, OnKey: true}},
		"not forgotten": {func(_ *testvault.World, d *fakeAuthenticator) { d.pairErr, d.deleteErr = broken, errors.New("pulled") },
			"CreateVirtualMFADevice DeleteVirtualMFADevice", "broken; " + phone + " still exists on the key because it could not be deleted: pulled", enroll.LeftoverError{OnKey: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w, e, d := newEnrollment(t)
			c.breaks(w, d)
			before := len(d.secrets)
			_, err := e.Run(t.Context(), "phone")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if got := strings.TrimSpace(strings.TrimPrefix(actions(w), "GetCallerIdentity")); got != c.calls {
				t.Errorf("AWS received the calls %s, want %s", got, c.calls)
			}
			var left *enroll.LeftoverError
			if errors.As(err, &left) != (c.left.AtAWS || c.left.OnKey) || left != nil && (left.AtAWS != c.left.AtAWS || left.OnKey != c.left.OnKey) {
				t.Errorf("leftover: %+v, want %+v", left, c.left)
			}
			if !c.left.OnKey && len(d.secrets) != before {
				t.Error("the secret was not deleted")
			}
		})
	}
}

// TestEnrollAfterLostResponse checks that an enrollment succeeds if AWS enables the device but the response is
// lost. AWS then refuses to delete the device, which shows that the device is enabled.
func TestEnrollAfterLostResponse(t *testing.T) {
	w, e, d := newEnrollment(t)
	w.AWS.Fail(fakeaws.Fault{Action: "EnableMFADevice", AnswerLost: true})
	serial, err := e.Run(t.Context(), "phone")
	if err != nil || serial != phone || len(d.secrets) != 1 {
		t.Errorf("%s, %v, %d secrets", serial, err, len(d.secrets))
	}
	if !slices.Contains(strings.Fields(actions(w)), "DeleteVirtualMFADevice") {
		t.Error("the device's state at AWS was not checked")
	}
}

// TestEnrollCancelled checks that an enrollment deletes its device if the user cancels the enrollment.
func TestEnrollCancelled(t *testing.T) {
	w, e, d := newEnrollment(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.cancel, d.pairErr = cancel, context.Canceled
	_, err := e.Run(ctx, "phone")
	if !errors.Is(err, context.Canceled) || len(d.secrets) != 0 || !strings.HasSuffix(actions(w), "DeleteVirtualMFADevice") {
		t.Errorf("%v, %d secrets", err, len(d.secrets))
	}
}

func TestEnrollWithoutKey(t *testing.T) {
	_, e, _ := newEnrollment(t)
	e.Plan.Steps[0].Profile = "gone"
	if _, err := e.Run(t.Context(), "phone"); err == nil {
		t.Error("enrolled without an access key")
	}
	var api *awsapi.APIError
	if !errors.As(error(&enroll.LeftoverError{Err: &awsapi.APIError{}, RollbackErr: errors.New("x")}), &api) {
		t.Error("a LeftoverError does not wrap its cause")
	}
}

// TestEnrollSecondDevice checks that a user who already has an MFA device is prompted for one code of that device,
// because IAM may require MFA.
func TestEnrollSecondDevice(t *testing.T) {
	w := testvault.New(t, "[profile alice]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n")
	w.StoreKey(t, "alice")
	o := plan.Options{Purpose: plan.Rotate}
	pl, err := w.Plan(t.Context(), "alice", o)
	if err != nil {
		t.Fatal(err)
	}
	e := &enroll.Enrollment{Vault: w.Vault, Plan: pl, Options: o, Authenticator: &fakeAuthenticator{aws: w.AWS, secrets: map[string]string{}}}
	if serial, err := e.Run(t.Context(), "phone"); err != nil || serial != phone || w.Prompts != 1 {
		t.Errorf("%s, %v, %d prompts", serial, err, w.Prompts)
	}
	if got := actions(w); got != "GetCallerIdentity GetSessionToken CreateVirtualMFADevice EnableMFADevice" {
		t.Errorf("AWS received the calls %s", got)
	}
}

func TestEnrollWithInvalidKey(t *testing.T) {
	w, e, _ := newEnrollment(t)
	w.AWS.Fail(fakeaws.Fault{Action: "GetCallerIdentity", Status: 403, Code: "InvalidClientTokenId"})
	if _, err := e.Run(t.Context(), "phone"); err == nil || actions(w) != "GetCallerIdentity" {
		t.Errorf("%v", err)
	}
}
