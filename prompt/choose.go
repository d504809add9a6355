package prompt

import (
	"fmt"
	"strings"
)

// Options are settings of the caller that cannot be read from the environment.
type Options struct {
	// TerminalBusy is set while a program that aws-vault started uses the terminal. No driver then
	// prompts there.
	TerminalBusy bool
}

// Choose returns a Prompter that uses the driver called name. If name is empty, it uses the first of
// [Drivers] that works here. Choose may run programs to find out which drivers work, so call it only
// when there is something to ask.
//
// A driver whose Device is set answers only a Code. Any other question goes to the driver that an empty
// name would have selected.
//
// Choose returns an [*UnknownDriverError] if this system has no driver of that name, and a
// [*NoDriverError] if the named driver, or every driver, cannot prompt here.
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

// defaultDriver returns the first driver that is suitable and works.
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

// usableByDefault returns nil if the driver can be used without being named, and otherwise the reason.
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

// A DriverError is the reason why a driver cannot prompt.
type DriverError struct {
	Driver string
	Err    error
}

// A NoDriverError is returned when no driver can prompt.
type NoDriverError struct {
	Name  string        // the requested driver; empty if any driver was acceptable
	Tried []DriverError // in order of preference
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

// Unwrap returns the reason of each driver.
func (e *NoDriverError) Unwrap() []error {
	var all []error
	for _, t := range e.Tried {
		all = append(all, t.Err)
	}
	return all
}

// An UnknownDriverError is returned for a name that no driver on this system has.
type UnknownDriverError struct {
	Name  string
	Known []string
}

func (e *UnknownDriverError) Error() string {
	return fmt.Sprintf("unknown prompt driver %q, expected one of %s", e.Name, strings.Join(e.Known, ", "))
}
