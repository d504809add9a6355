package prompt

import (
	"fmt"
	"strings"
)

// Options say what the caller knows and the environment does not show.
type Options struct {
	// TerminalBusy says that a program started from here has the terminal, so that nothing may be asked there.
	TerminalBusy bool
}

// Choose returns a Prompter that asks by way of the driver called name, or, if name is empty, by way of the first of
// [Drivers] that works here. It looks for the ways there are, which can take a program's start, so it is for when
// there is something to ask.
//
// A driver whose Device is set answers Codes only; other questions are then asked as if no driver had been named.
//
// It returns an [*UnknownDriverError] if there is no driver of that name on this system, and a [*NoDriverError] if the
// named one, or each of them, cannot ask.
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

// defaultDriver returns the first driver that suits and works.
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

// usableByDefault returns nil if the driver may be used without having been named.
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

// A Tried is a driver that cannot ask, and why.
type DriverError struct {
	Driver string
	Err    error
}

// A NoDriverError is returned when there is a question and nobody to put it to.
type NoDriverError struct {
	Name  string        // the driver that was asked for, empty if any would have done
	Tried []DriverError // in the order of preference
}

func (e *NoDriverError) Error() string {
	var ways []string
	for _, t := range e.Tried {
		ways = append(ways, t.Driver+": "+t.Err.Error())
	}
	if e.Name != "" {
		return "cannot ask by " + strings.Join(ways, "; ")
	}
	return "no way to ask: " + strings.Join(ways, "; ")
}

// Unwrap returns why each driver cannot ask.
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
	return fmt.Sprintf("prompt driver is %q, want one of %s", e.Name, strings.Join(e.Known, ", "))
}
