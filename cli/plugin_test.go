package cli_test

import (
	"flag"
	"os"
	"os/exec"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// pluginVariable names the variable with the path of a file. In this file, the plugin counts how often its key is used.
const pluginVariable = "TEST_PLUGIN_USES"

// pluginRuns names the variable with a command line that the plugin runs first. If that command fails, the plugin
// writes the command's output to the file in pluginVariable, because the stderr of a plugin is lost.
const pluginRuns = "TEST_PLUGIN_RUNS"

// agePlugin is an age plugin that does not encrypt.
func agePlugin() {
	p, err := plugin.New("fake")
	if err != nil {
		panic(err)
	}
	noteHeldLocks("plugin")
	if line := os.Getenv(pluginRuns); line != "" {
		os.Unsetenv(pluginRuns)
		c := exec.Command("sh", "-c", line)
		if output, err := c.CombinedOutput(); err != nil {
			os.WriteFile(os.Getenv(pluginVariable), output, 0o600)
			os.Exit(1)
		}
	}
	p.RegisterFlags(flag.CommandLine)
	flag.Parse()
	p.HandleRecipient(func([]byte) (age.Recipient, error) { return fakeKey{}, nil })
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		if string(data) == askingKey {
			if _, err := p.RequestValue("PIN of the fake key", true); err != nil {
				return nil, err
			}
		}
		return fakeKey{}, nil
	})
	os.Exit(p.Main())
}

// askingKey is the identity of a key for which the plugin requests a PIN before it decrypts.
const askingKey = "asks"

type fakeKey struct{}

func (fakeKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: "fake", Body: fileKey}}, nil
}

func (fakeKey) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type == "fake" {
			return s.Body, used()
		}
	}
	return nil, age.ErrIncorrectIdentity
}

func used() error {
	f, err := os.OpenFile(os.Getenv(pluginVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("used\n")
	return err
}

// fakeRecipient and fakeIdentity return texts that name the plugin's key.
func fakeRecipient() string { return plugin.EncodeRecipient("fake", []byte{1}) }
func fakeIdentity() string  { return plugin.EncodeIdentity("fake", []byte{1}) }
