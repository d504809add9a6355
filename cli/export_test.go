package cli

import (
	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

// Model describes the whole command line.
func Model() *kingpin.ApplicationModel {
	a := new(app.App)
	return describe(a, commands...).Model()
}
