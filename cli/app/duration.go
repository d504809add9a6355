package app

import (
	"fmt"
	"time"
)

// A DurationFlag is a flag or a variable that takes a time with its unit.
type DurationFlag struct {
	Into *time.Duration
	Name string // byProfile the flag and of its variable
}

// Set reads the flag's text.
func (d DurationFlag) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("%s is %.40q, want a time with its unit, such as 90m or 2h", d.Name, text)
	}
	*d.Into = v
	return nil
}

func (d DurationFlag) String() string {
	if d.Into == nil || *d.Into == 0 {
		return ""
	}
	return d.Into.String()
}
