package oath

import (
	"fmt"
	"strings"
)

// NotFoundError is returned where a key holds no account for an MFA device.
type NotFoundError struct {
	Serial string
	Names  []string // of the accounts it holds
}

func (e *NotFoundError) Error() string {
	if len(e.Names) == 0 {
		return fmt.Sprintf("the key holds no account at all, want one for %s", e.Serial)
	}
	return fmt.Sprintf("the key holds no account for %s, but %s", e.Serial, listNames(e.Names))
}

// AmbiguousError is returned where several accounts could be meant.
type AmbiguousError struct {
	Serial string
	Names  []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%d accounts on the key could be for %s: %s", len(e.Names), e.Serial, listNames(e.Names))
}

// listNames lists names, and says how many more there are.
func listNames(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// matchers are the ways in which an account can be that of a device, the surest first. That its
// name holds the serial is what ykman goes by.
var matchers = []func(name, serial string) bool{
	func(name, serial string) bool { return name == serial },
	strings.EqualFold,
	containsSerial,
	matchesLabel,
}

// containsSerial reports whether a name holds the serial, and not the beginning of a longer one: the code
// of mfa/alice2 is none for mfa/alice.
func containsSerial(name, serial string) bool {
	_, rest, found := strings.Cut(strings.ToLower(name), strings.ToLower(serial))
	return found && (rest == "" || !isNameByte(rest[0]))
}

// isNameByte reports whether a byte can stand in the name of a device.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("+=,.@-_/", c) >= 0
}

// matchesLabel reports whether a name is the one in the picture that AWS shows of a device:
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

// Find returns the account for an MFA device, by its serial or by the account's own name. It
// fails with a [*NotFoundError] or an [*AmbiguousError]: a guess may spoil a code.
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
