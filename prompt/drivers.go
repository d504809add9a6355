package prompt

import "context"

// A Driver is one way to ask the user.
type Driver struct {
	Name string

	// Terminal is set if the driver needs the controlling terminal.
	Terminal bool

	// Device is set if a device answers instead of the user. Such a driver answers only a Code, is used
	// only when it is named, and is not asked again after a wrong answer.
	Device bool

	// WithoutPromptLock is set if the driver shows no prompt itself. Other prompts may be open while it
	// runs.
	WithoutPromptLock bool

	// Works returns nil if the driver can prompt here, and otherwise the reason why it cannot.
	Works func(Env) error

	// Ask asks once and returns the answer. It does not check the format of the answer.
	Ask func(ctx context.Context, env Env, r Request) (string, error)

	// suitable returns why a driver that works should be used only when it is named. Nil means that it
	// is always suitable.
	suitable func(Env) error
}

// Drivers returns this system's drivers in order of preference.
func Drivers() []Driver { return systemDrivers() }

// names returns the names of the drivers, in the same order.
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
