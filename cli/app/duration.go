package app

import (
	"fmt"
	"time"
)

// A DurationFlag is a flag, or its environment variable, whose value is a positive duration with a unit.
type DurationFlag struct {
	Into *time.Duration
	Name string // names the flag and its environment variable in errors
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

// String returns the current value, or an empty string if none is set.
func (d DurationFlag) String() string {
	if d.Into == nil || *d.Into == 0 {
		return ""
	}
	return d.Into.String()
}
