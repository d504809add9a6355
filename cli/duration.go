package cli

import (
	"fmt"
	"time"
)

// A durationFlag is a flag or a variable that takes a time with its unit.
type durationFlag struct {
	into *time.Duration
	name string // of the flag and of its variable
}

// Set reads the flag's text.
func (d durationFlag) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("%s is %.40q, want a time with its unit, such as 90m or 2h", d.name, text)
	}
	*d.into = v
	return nil
}

func (d durationFlag) String() string {
	if d.into == nil || *d.into == 0 {
		return ""
	}
	return d.into.String()
}
