//go:build unix

package keystore

// env is for the keystores whose place or permission a variable of another program says.
func (c Config) env(name string) (string, bool) {
	if c.Getenv == nil {
		return "", false
	}
	return c.Getenv(name)
}
