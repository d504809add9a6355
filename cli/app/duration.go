package app

import (
	"fmt"
	"time"
)

// A DurationFlag is a flag whose value is a positive duration with a unit. An environment variable can set the value
// too.
type DurationFlag struct {
	Into *time.Duration
	Name string // the names of the flag and its environment variable, for errors
}

// Set parses a duration such as 90m or 2h.
func (d DurationFlag) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("%s is %.40q, expected a duration with a unit, such as 90m or 2h", d.Name, text)
	}
	*d.Into = v
	return nil
}

// String returns the current value of the flag, or an empty string if the flag has no value.
func (d DurationFlag) String() string {
	if d.Into == nil || *d.Into == 0 {
		return ""
	}
	return d.Into.String()
}
