package plan

import (
	"errors"
	"slices"
	"testing"
)

// A rotation never assumes a role, and uses a session token only if an MFA device is set.
func TestRotation(t *testing.T) {
	const device = "mfa_serial = m111111111\n"
	for _, tt := range []struct {
		name, config string
		options      Options
		want         []string
	}{
		{"key alone", "[profile p]\n", Options{}, []string{"stored key p"}},
		{"key with a device", "[profile p]\n" + device, Options{}, []string{"stored key p", "session token p 1h +m111111111 kept"}},
		{"no session", "[profile p]\n" + device, Options{NoSession: true}, []string{"stored key p"}},
		{"a role's key", "[profile q]\n[profile p]\nsource_profile = q\n" + arn, Options{}, []string{"stored key q"}},
		{"a role's device", "[profile q]\n[profile p]\nsource_profile = q\n" + device + arn, Options{}, []string{"stored key q", "session token q 1h +m111111111 kept"}},
		{"three levels down", "[profile s]\n" + device + "[profile r]\nsource_profile = s\n" + arn + "[profile q]\nsource_profile = r\n" + arn + "[profile p]\nsource_profile = q\nmfa_serial = m222222222\n" + arn,
			Options{}, []string{"stored key s", "session token s 1h +m111111111 kept"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Purpose = Rotate
			pl, err := Make(resolve(t, tt.config, "p", nil), stored(tt.want[0][len("stored key "):]), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := steps(pl); !slices.Equal(got, tt.want) {
				t.Errorf("steps are %q, want %q", got, tt.want)
			}
		})
	}
}

// A rotation uses the same session token as other commands if both need a code of the same MFA device.
func TestRotationSharesTheSession(t *testing.T) {
	const config = "[profile q]\nmfa_serial = m111111111\n[profile r]\nsource_profile = q\nmfa_serial = m111111111\n" + arn + "[profile p]\nsource_profile = r\n" + arn
	p := resolve(t, config, "p", nil)
	use, err := Make(p, stored("q"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	rotate, err := Make(p, stored("q"), Options{Purpose: Rotate})
	if err != nil {
		t.Fatal(err)
	}
	if use.Digest(1) != rotate.Digest(1) {
		t.Error("the session of a rotation is not the one that roles are assumed with")
	}
}

func TestRotationCalls(t *testing.T) {
	const config = "[profile q]\nregion = us-west-2\nservices = s\n[profile p]\nsource_profile = q\nregion = eu-west-1\n" + arn + "[services s]\niam =\n  endpoint_url = http://127.0.0.1:1\n"
	pl, err := Make(resolve(t, config, "p", nil), stored("q"), Options{Purpose: Rotate})
	if err != nil {
		t.Fatal(err)
	}
	if c := pl.Call("iam"); c.Region != "us-west-2" || c.Endpoint.URL != "http://127.0.0.1:1" {
		t.Errorf("IAM is called at %+v", c)
	}
	if c := pl.Call("sts"); c.Region != "us-west-2" || c.Endpoint.URL != "" {
		t.Errorf("STS is called at %+v", c)
	}
	if c := pl.Call("ec2"); c != (Call{}) {
		t.Errorf("EC2 is called at %+v", c)
	}
}

func TestRotationWithoutStoredKey(t *testing.T) {
	const config = "[profile q]\ncredential_process = c\n[profile p]\nsource_profile = q\n" + arn
	_, err := Make(resolve(t, config, "p", nil), Holdings{}, Options{Purpose: Rotate})
	var e *NotStoredError
	if !errors.As(err, &e) || *e != (NotStoredError{"p", "q", KindProcess}) {
		t.Errorf("got %v", err)
	}
	const want = `the credentials of profile "p" come from the credential process of profile "q", expected a stored key`
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
