package prompt

import "context"

// A Driver is one way of asking.
type Driver struct {
	Name string

	// Terminal says that it needs the controlling terminal.
	Terminal bool

	// Device says that a device answers and not a person. Such a driver answers Codes only, is used only when it is
	// named, and is not asked a second time for an answer that was wrong.
	Device bool

	// WithoutPromptLock says that it puts no question to a person itself, so that others may ask meanwhile.
	WithoutPromptLock bool

	// Works returns nil if the driver can ask here, and otherwise why it cannot.
	Works func(Env) error

	// Ask puts a question once and returns what was answered, be it well formed or not.
	Ask func(ctx context.Context, env Env, r Request) (string, error)

	// suitable returns why the driver, though it may work, is not the one to use unless it is named. Nil: it is.
	suitable func(Env) error
}

// Drivers returns this system's drivers in the order in which they are preferred.
func Drivers() []Driver { return systemDrivers() }

// names returns the names of drivers, in their order.
func names(drivers []Driver) []string {
	var all []string
	for _, d := range drivers {
		all = append(all, d.Name)
	}
	return all
}

// Named returns this system's driver of that name.
func Named(name string) (Driver, bool) {
	for _, d := range Drivers() {
		if d.Name == name {
			return d, true
		}
	}
	return Driver{}, false
}
