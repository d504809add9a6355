package cli

import "github.com/alecthomas/kingpin/v2"

// Model describes the whole command line.
func Model() *kingpin.ApplicationModel { return new(app).parser(commands...).Model() }
