package fakeaws

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The allowed characters and lengths of STS's parameters.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
var (
	nameAlphabet     = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]*$`)
	externalAlphabet = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]*$`)
	serialAlphabet   = regexp.MustCompile(`^[A-Za-z0-9_+=/:,.@-]*$`)
	codeAlphabet     = regexp.MustCompile(`^[0-9]*$`)
	tagAlphabet      = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	policyAlphabet   = regexp.MustCompile(`^[\x{09}\x{0A}\x{0D}\x{20}-\x{FF}]*$`)
)

// checks collects all invalid parameters of a call, because AWS reports all of them in one error.
type checks struct {
	params url.Values
	found  []string
}

func (c *checks) fail(value, field, want string) {
	c.found = append(c.found, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, field, want))
}

// err returns AWS's ValidationError with all invalid parameters, or nil if all parameters are valid.
func (c *checks) err() error {
	switch len(c.found) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.found[0])
	default:
		return invalid("%d validation errors detected: %s", len(c.found), strings.Join(c.found, "; "))
	}
}

// required returns a required parameter, and checks its length and characters.
func (c *checks) required(param string, least, most int, alphabet *regexp.Regexp) string {
	field := strings.ToLower(param[:1]) + param[1:]
	if !c.params.Has(param) {
		c.found = append(c.found, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", field))
		return ""
	}
	value := c.params.Get(param)
	c.value(value, field, least, most, alphabet)
	return value
}

// optional returns a parameter that may be missing, and checks its length and characters.
func (c *checks) optional(param string, least, most int, alphabet *regexp.Regexp) string {
	if !c.params.Has(param) {
		return ""
	}
	return c.required(param, least, most, alphabet)
}

func (c *checks) value(value, field string, least, most int, alphabet *regexp.Regexp) {
	switch n := utf8.RuneCountInString(value); {
	case n < least:
		c.fail(value, field, fmt.Sprintf("have length greater than or equal to %d", least))
	case n > most:
		c.fail(value, field, fmt.Sprintf("have length less than or equal to %d", most))
	}
	if alphabet != nil && !alphabet.MatchString(value) {
		c.fail(value, field, "satisfy regular expression pattern: "+alphabet.String())
	}
}

// duration checks the parameter DurationSeconds and returns its value. If the parameter is missing, duration
// returns the argument normal.
func (c *checks) duration(least, most, normal time.Duration) time.Duration {
	text := c.params.Get("DurationSeconds")
	if text == "" {
		return normal
	}
	n, err := strconv.ParseInt(text, 10, 32)
	lasts := time.Duration(n) * time.Second
	switch {
	case err != nil:
		c.fail(text, "durationSeconds", "be a number")
	case lasts < least:
		c.fail(text, "durationSeconds", fmt.Sprintf("have value greater than or equal to %d", least/time.Second))
	case lasts > most:
		c.fail(text, "durationSeconds", fmt.Sprintf("have value less than or equal to %d", most/time.Second))
	}
	return lasts
}

// mfa checks the form of the MFA device's serial number and of the MFA code.
func (c *checks) mfa() {
	c.optional("SerialNumber", 9, 256, serialAlphabet)
	c.optional("TokenCode", 6, 6, codeAlphabet)
}
