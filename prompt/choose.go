package prompt

import (
	"fmt"
	"strings"
)

// Options are settings that the caller must provide, because they cannot be read from the environment.
type Options struct {
	// TerminalBusy reports whether a program that aws-vault started uses the terminal. If so, no driver prompts on the
	// terminal.
	TerminalBusy bool
}

// Choose returns a Prompter that uses the driver with the given name. If the name is empty, the Prompter uses the
// first of [Drivers] that works on this machine and may be used by default. Choose may run programs to find out
// which drivers work, so it should be called only when the user must be prompted.
//
// If the driver's field Device is true, the driver answers only requests of the kind Code. For other requests, the
// Prompter uses the driver that Choose would have selected for an empty name.
//
// Choose returns an [*UnknownDriverError] if this system has no driver with the given name. It returns a
// [*NoDriverError] if that driver cannot prompt, or if the name is empty and no driver can prompt.
func Choose(env Env, name string, o Options) (Prompter, error) {
	return chooseFrom(Drivers(), env, name, o)
}

func chooseFrom(drivers []Driver, env Env, name string, o Options) (Prompter, error) {
	if o.TerminalBusy {
		env = env.withoutTerminal()
	}
	if name == "" {
		d, err := defaultDriver(drivers, env)
		if err != nil {
			return nil, err
		}
		return newPrompter(env, d, nil), nil
	}
	d, err := findDriver(drivers, env, name)
	if err != nil {
		return nil, err
	}
	return newPrompter(env, d, func() (Driver, error) { return defaultDriver(drivers, env) }), nil
}

// defaultDriver returns the first driver that is usable by default.
func defaultDriver(drivers []Driver, env Env) (Driver, error) {
	var tried []DriverError
	for _, d := range drivers {
		if d.Device {
			continue
		}
		err := d.usableByDefault(env)
		if err == nil {
			return d, nil
		}
		tried = append(tried, DriverError{d.Name, err})
	}
	return Driver{}, &NoDriverError{Tried: tried}
}

// usableByDefault returns nil if the driver can be used without being requested by name. Otherwise it returns the
// reason.
func (d Driver) usableByDefault(env Env) error {
	if d.suitable != nil {
		if err := d.suitable(env); err != nil {
			return err
		}
	}
	return d.Works(env)
}

func findDriver(drivers []Driver, env Env, name string) (Driver, error) {
	for _, d := range drivers {
		if d.Name != name {
			continue
		}
		if err := d.Works(env); err != nil {
			return Driver{}, &NoDriverError{Name: name, Tried: []DriverError{{d.Name, err}}}
		}
		return d, nil
	}
	return Driver{}, &UnknownDriverError{Name: name, Known: names(drivers)}
}

// A DriverError contains the reason why a driver cannot prompt, or may not be used by default.
type DriverError struct {
	Driver string
	Err    error
}

// A NoDriverError reports that the requested driver, or every driver, cannot prompt.
type NoDriverError struct {
	Name  string        // name of the requested driver; empty if any driver could be used
	Tried []DriverError // the reasons, one for each driver that was tried
}

func (e *NoDriverError) Error() string {
	var ways []string
	for _, t := range e.Tried {
		ways = append(ways, t.Driver+": "+t.Err.Error())
	}
	if e.Name != "" {
		return "cannot prompt with " + strings.Join(ways, "; ")
	}
	return "cannot prompt: " + strings.Join(ways, "; ")
}

// Unwrap returns the reasons why the drivers cannot prompt.
func (e *NoDriverError) Unwrap() []error {
	var all []error
	for _, t := range e.Tried {
		all = append(all, t.Err)
	}
	return all
}

// An UnknownDriverError reports that this system has no driver with the requested name.
type UnknownDriverError struct {
	Name  string
	Known []string
}

func (e *UnknownDriverError) Error() string {
	return fmt.Sprintf("unknown prompt driver %q, expected one of %s", e.Name, strings.Join(e.Known, ", "))
}
