// Package bus hides the session bus from package initialisers. What is said on the bus is left to
// others.
//
// github.com/99designs/keyring connects to the bus in two of its initialisers and, where no bus is
// known but dbus-launch is installed, starts one each time. Go initialises the packages that are
// ready in the order of their import paths (https://go.dev/ref/spec#Program_initialization): this
// one imports only os and sorts before every path that begins with a host's name, so it comes first.
package bus

import "os"

const variable = "DBUS_SESSION_BUS_ADDRESS"

// hidden is an address that every client refuses at once, because there is no such transport. An
// empty or missing one would not do: clients then look for a socket in the usual places, or
// launch a bus.
// https://dbus.freedesktop.org/doc/dbus-specification.html#addresses
const hidden = "hidden-by-aws-vault:"

var address, known = hide()

func hide() (string, bool) {
	address, known := os.LookupEnv(variable)
	// An error leaves the variable as it was, which costs the time of a connection and no more.
	os.Setenv(variable, hidden)
	return address, known
}

// Restore puts the address of the session bus back into the environment as it was, set, empty or
// missing. A program calls it before all else: until then its children would inherit the
// address that leads nowhere.
func Restore() {
	if known {
		os.Setenv(variable, address)
		return
	}
	os.Unsetenv(variable)
}

// Address returns the address of the session bus that the program was started with, and whether
// there was one; an empty one counts.
func Address() (string, bool) { return address, known }
