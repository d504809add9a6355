package fakeaws

import (
	"crypto/sha256"
	"encoding/base32"
	"time"
)

// MFA is a virtual MFA device.
type MFA struct {
	aws     *AWS
	user    *User // nil until it is enabled
	serial  string
	seed    []byte
	used    map[int64]bool // steps whose code was taken
	enabled time.Time
}

// Serial is the device's ARN.
func (m *MFA) Serial() string { return m.serial }

// Secret is what the device shares with AWS, in base32 without padding.
func (m *MFA) Secret() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.seed)
}

// Code is what the device shows at the fake's time. AWS takes each code once: for another, Advance by 30 s.
func (m *MFA) Code() string {
	m.aws.mu.Lock()
	defer m.aws.mu.Unlock()
	return m.code()
}

func (m *MFA) code() string { return stepCode(m.seed, stepOf(m.aws.now())) }

// device makes an MFA device that nobody uses yet.
func (a *AWS) device(serial string) *MFA {
	sum := sha256.Sum256([]byte("EXAMPLE seed of " + serial))
	m := &MFA{aws: a, serial: serial, seed: sum[:20], used: map[int64]bool{}}
	a.devices[serial] = m
	return m
}

// take says whether code is one of the device's around now, and takes it: the same one fails from then on.
// One step of drift is let pass either way.
func (m *MFA) take(code string, now time.Time) bool {
	for _, drift := range []int64{0, -1, 1} {
		step := stepOf(now) + drift
		if !m.used[step] && stepCode(m.seed, step) == code {
			m.used[step] = true
			return true
		}
	}
	return false
}

// checkMFA takes the code that a call brought and returns whether it brought one.
// AWS's texts: https://repost.aws/knowledge-center/mfa-iam-user-aws-cli
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
	if !device.take(code, r.now) {
		return false, denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	return true, nil
}
