package cli

import "github.com/alecthomas/kingpin/v2"

func ssoSyncCommand(*kingpin.CmdClause, *app) {}

func shown(s string) string { return s }
