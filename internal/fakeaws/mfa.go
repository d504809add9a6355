package fakeaws

import (
	"crypto/sha256"
	"encoding/base32"
	"time"
)

// MFA is a virtual MFA device.
type MFA struct {
	aws     *AWS
	user    *User // the user of the device; nil until the device is enabled
	serial  string
	seed    []byte
	used    map[int64]bool // the time steps whose codes were used
	enabled time.Time
}

// Serial returns the device's serial number, which is its ARN.
func (m *MFA) Serial() string { return m.serial }

// Secret returns the secret that the device shares with AWS, in base32 without padding.
func (m *MFA) Secret() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.seed)
}

// Code returns the device's current code. AWS accepts each code only once. To get the next code, call Advance with
// 30 s.
func (m *MFA) Code() string {
	m.aws.mu.Lock()
	defer m.aws.mu.Unlock()
	return m.code()
}

func (m *MFA) code() string { return stepCode(m.seed, stepOf(m.aws.now())) }

// device creates an MFA device. The device has no user until it is enabled.
func (a *AWS) device(serial string) *MFA {
	sum := sha256.Sum256([]byte("EXAMPLE seed of " + serial))
	m := &MFA{aws: a, serial: serial, seed: sum[:20], used: map[int64]bool{}}
	a.devices[serial] = m
	return m
}

// useCode reports whether the device accepts code, and marks the code as used. The device accepts the codes of the
// current, the previous and the next time step. It accepts each code only once.
func (m *MFA) useCode(code string, now time.Time) bool {
	for _, drift := range []int64{0, -1, 1} {
		step := stepOf(now) + drift
		if !m.used[step] && stepCode(m.seed, step) == code {
			m.used[step] = true
			return true
		}
	}
	return false
}

// checkMFA checks the MFA code of a call, and reports whether the call has an MFA code.
// Its errors have the same texts as AWS's errors: https://repost.aws/knowledge-center/mfa-iam-user-aws-cli
func (a *AWS) checkMFA(r *request) (bool, error) {
	serial, code := r.params.Get("SerialNumber"), r.params.Get("TokenCode")
	if serial == "" && code == "" {
		return false, nil
	}
	if serial == "" || code == "" {
		return false, denied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	}
	device := a.devices[serial]
	if device == nil || device.user == nil || device.user != r.caller.owner() {
		return false, denied("MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
	}
	if !device.useCode(code, r.now) {
		return false, denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	return true, nil
}
