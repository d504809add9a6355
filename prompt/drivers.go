package prompt

import "context"

// A Driver is one way to ask the user a question.
type Driver struct {
	Name string

	// Terminal reports whether the driver needs the controlling terminal.
	Terminal bool

	// Device reports whether a device answers instead of the user. Such a driver answers only requests of the kind
	// Code. It is used only if it is requested by name. After an answer in the wrong format, it is not asked again.
	Device bool

	// WithoutPromptLock reports whether other prompts may be open while the driver runs, because the driver itself
	// shows no prompt.
	WithoutPromptLock bool

	// Works returns nil if the driver can prompt on this machine. Otherwise it returns the reason.
	Works func(Env) error

	// Ask asks the question once and returns the answer. It does not check the format of the answer.
	Ask func(ctx context.Context, env Env, r Request) (string, error)

	// suitable returns nil if the driver may be used by default. Otherwise it returns the reason why the driver
	// should be used only if it is requested by name. If suitable is nil, the driver may always be used by default.
	suitable func(Env) error
}

// Drivers returns the drivers of this system in order of preference.
func Drivers() []Driver { return systemDrivers() }

func names(drivers []Driver) []string {
	var all []string
	for _, d := range drivers {
		all = append(all, d.Name)
	}
	return all
}

// Named returns the driver of this system that has this name, and whether there is such a driver.
func Named(name string) (Driver, bool) {
	for _, d := range Drivers() {
		if d.Name == name {
			return d, true
		}
	}
	return Driver{}, false
}
