package fakeaws

import (
	"cmp"
	"encoding/base64"
	"regexp"
	"slices"
)

// deviceFields has the fields of an MFA device in IAM's responses.
type deviceFields struct {
	UserName     string `xml:",omitempty"`
	SerialNumber string
	EnableDate   string `xml:",omitempty"`
}

func (m *MFA) fields() deviceFields {
	out := deviceFields{SerialNumber: m.serial}
	if m.user != nil {
		out.UserName, out.EnableDate = m.user.name, stamp(m.enabled)
	}
	return out
}

// deviceNames matches valid names of virtual devices.
var deviceNames = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]+$`)

// createVirtualMFADevice creates a device and returns its secret. Like AWS, it returns the secret only once. Unlike
// AWS, it returns no QR code.
func (a *AWS) createVirtualMFADevice(r *request) (any, error) {
	c := checks{params: r.params}
	name := c.required("VirtualMFADeviceName", 1, 226, deviceNames)
	if err := c.err(); err != nil {
		return nil, err
	}
	serial := "arn:" + partitionOf(r.caller.arn) + ":iam::" + r.caller.account + ":mfa/" + name
	if a.devices[serial] != nil {
		return nil, refuse(409, "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
	}
	type virtual struct{ SerialNumber, Base32StringSeed, QRCodePNG string }
	m := a.device(serial)
	// AWS sends the secret as a blob: the base32 text of the secret is encoded in base64.
	seed := base64.StdEncoding.EncodeToString([]byte(m.Secret()))
	return struct{ VirtualMFADevice virtual }{virtual{SerialNumber: serial, Base32StringSeed: seed}}, nil
}

// enableMFADevice enables a device. The call must contain the codes of two consecutive time steps.
func (a *AWS) enableMFADevice(r *request) (any, error) {
	u, err := a.subject(r)
	if err != nil {
		return nil, err
	}
	m, err := a.namedDevice(r)
	if err != nil {
		return nil, err
	}
	if m.user != nil {
		return nil, refuse(409, "EntityAlreadyExists", "MFA Device is already in use.")
	}
	one, two := r.params.Get("AuthenticationCode1"), r.params.Get("AuthenticationCode2")
	for drift := int64(-2); drift <= 1; drift++ {
		step := stepOf(r.now) + drift
		if stepCode(m.seed, step) == one && stepCode(m.seed, step+1) == two {
			m.used[step], m.used[step+1] = true, true
			m.user, m.enabled = u, r.now
			return nil, nil
		}
	}
	return nil, refuse(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
}

func (a *AWS) namedDevice(r *request) (*MFA, error) {
	serial := r.params.Get("SerialNumber")
	m := a.devices[serial]
	if m == nil || accountOf(serial) != r.caller.account {
		return nil, noEntity("VirtualMFADevice with serial number %s does not exist.", serial)
	}
	return m, nil
}

// devicesWhere returns the devices for which the function fits returns true, sorted by serial number.
func (a *AWS) devicesWhere(fits func(*MFA) bool) []deviceFields {
	var list []deviceFields
	for _, m := range a.devices {
		if fits(m) {
			list = append(list, m.fields())
		}
	}
	slices.SortFunc(list, func(x, y deviceFields) int { return cmp.Compare(x.SerialNumber, y.SerialNumber) })
	return list
}

func (a *AWS) listMFADevices(r *request) (any, error) {
	u, err := a.subject(r)
	if err != nil {
		return nil, err
	}
	return struct {
		MFADevices  []deviceFields `xml:"MFADevices>member"`
		IsTruncated bool
	}{MFADevices: a.devicesWhere(func(m *MFA) bool { return m.user == u })}, nil
}

func (a *AWS) listVirtualMFADevices(r *request) (any, error) {
	status := r.params.Get("AssignmentStatus")
	return struct {
		VirtualMFADevices []deviceFields `xml:"VirtualMFADevices>member"`
		IsTruncated       bool
	}{VirtualMFADevices: a.devicesWhere(func(m *MFA) bool {
		return accountOf(m.serial) == r.caller.account &&
			(status == "" || status == "Any" || (status == "Assigned") == (m.user != nil))
	})}, nil
}

func (a *AWS) deactivateMFADevice(r *request) (any, error) {
	m, err := a.namedDevice(r)
	if err != nil {
		return nil, err
	}
	m.user = nil
	return nil, nil
}

func (a *AWS) deleteVirtualMFADevice(r *request) (any, error) {
	m, err := a.namedDevice(r)
	if err != nil {
		return nil, err
	}
	if m.user != nil {
		return nil, refuse(409, "DeleteConflict", "Cannot delete entity, must deactivate MFA device first.")
	}
	delete(a.devices, m.serial)
	return nil, nil
}
