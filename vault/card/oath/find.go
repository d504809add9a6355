package oath

import (
	"fmt"
	"strings"
)

// NotFoundError is returned if a key has no account for an MFA device.
type NotFoundError struct {
	Serial string
	Names  []string // the accounts on the key
}

func (e *NotFoundError) Error() string {
	if len(e.Names) == 0 {
		return fmt.Sprintf("the key has no TOTP accounts, expected one for %s", e.Serial)
	}
	return fmt.Sprintf("the key has no TOTP account for %s; its accounts are %s", e.Serial, listNames(e.Names))
}

// AmbiguousError is returned if several accounts match an MFA device.
type AmbiguousError struct {
	Serial string
	Names  []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%d accounts on the key match %s: %s", len(e.Names), e.Serial, listNames(e.Names))
}

// listNames joins the first eight names. If there are more names, it adds the number of the remaining names.
func listNames(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// matchers are the rules by which an account name matches an MFA device's serial, the most reliable rule first.
// Like ykman, they accept a name that contains the serial.
var matchers = []func(name, serial string) bool{
	func(name, serial string) bool { return name == serial },
	strings.EqualFold,
	containsSerial,
	matchesLabel,
}

// containsSerial reports whether a name contains the serial. It ignores a longer serial that only starts with the
// serial: the name mfa/alice2 does not match the serial mfa/alice.
func containsSerial(name, serial string) bool {
	_, rest, found := strings.Cut(strings.ToLower(name), strings.ToLower(serial))
	return found && (rest == "" || !isNameByte(rest[0]))
}

// isNameByte reports whether a byte can be part of a device's name.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("+=,.@-_/", c) >= 0
}

// matchesLabel reports whether a name is the label that AWS puts in the QR code of a device, such as
// Amazon Web Services:alice@123456789012.
func matchesLabel(name, serial string) bool {
	fields := strings.SplitN(serial, ":", 6)
	if len(fields) != 6 || fields[2] != "iam" {
		return false
	}
	device, ok := strings.CutPrefix(fields[5], "mfa/")
	if !ok {
		return false
	}
	_, label, found := strings.Cut(name, ":")
	if !found {
		label = name
	}
	return strings.EqualFold(label, device[strings.LastIndexByte(device, '/')+1:]+"@"+fields[4])
}

// Find returns the account that matches an MFA device's serial. Instead of a serial, the caller can pass an
// account's name. Find fails with a [*NotFoundError] if no account matches. It fails with an [*AmbiguousError] if
// several accounts match: it does not guess, because after a wrong code AWS may refuse the correct code too.
func Find(accounts []Account, serial string) (Account, error) {
	var timed []Account
	var names []string
	for _, a := range accounts {
		if a.Timed {
			timed, names = append(timed, a), append(names, a.Name)
		}
	}
	for _, fit := range matchers {
		var found []Account
		for _, a := range timed {
			if fit(a.Name, serial) {
				found = append(found, a)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			e := &AmbiguousError{Serial: serial}
			for _, a := range found {
				e.Names = append(e.Names, a.Name)
			}
			return Account{}, e
		}
	}
	return Account{}, &NotFoundError{serial, names}
}
