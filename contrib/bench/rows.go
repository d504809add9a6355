package main

// truePath is the command that aws-vault and the floor program become.
const truePath = "/bin/true"

// A row is one command that is measured, next to the floor program.
type row struct {
	what string
	most float64 // how many times the floor program's time it may take; 0 if there is no bound
	args []string

	profiles int                // more profiles in the config file
	keystore []string           // the variables that choose it; nil for the file keystore
	prepare  func(h home) error // runs before the measurement, after alice's key is stored

	line string // the line of the plot that its median is a point of
	ends bool   // it reads no file and becomes no command, so the floor program does not either
	anew bool   // each run needs a session of its own
}

// rows are in the order of the page.
var rows = []row{
	{what: "`--version`", most: 1.6, args: []string{"--version"}, ends: true},
	{what: "`exec`", most: 1.5, args: execAlice, line: "exec"},
	{what: "`exec` of a role", most: 1.5, args: execRole},
	{what: "`export --format=json` of a role", most: 1.5, args: exportRole},
	{what: "`exec` among 1,000 profiles", most: 1.7, args: execAlice, profiles: 1_000, line: "exec"},
	{what: "`exec` among 10,000 profiles", args: execAlice, profiles: 10_000, line: "exec"},
	{what: "`exec` among 20,000 profiles", most: 4, args: execAlice, profiles: 20_000, line: "exec"},
	{what: "`list`", args: []string{"list"}, line: "list"},
	{what: "`list` among 1,000 profiles", args: []string{"list"}, profiles: 1_000, line: "list"},
	{what: "`list` among 10,000 profiles", args: []string{"list"}, profiles: 10_000, line: "list"},
	{what: "`list` among 20,000 profiles", args: []string{"list"}, profiles: 20_000, line: "list"},
	{what: "`list` with 1,000 sessions", args: []string{"list"}, prepare: thousandSessions},
	{what: "completion of a profile among 20,000", args: []string{"--completion-bash", "exec", ""}, profiles: 20_000},
	{what: "`exec` of a role, a new session each time", args: execRole, anew: true},
	{what: "`exec`, sealed keystore, unlocked", args: execAlice, keystore: sealedKeystore, prepare: unlock},
	{what: "`exec`, sealed keystore, locked", args: execAlice, keystore: sealedKeystore},
}

var (
	execAlice      = []string{"exec", "alice", "--", truePath}
	execRole       = []string{"exec", "readonly", "--", truePath}
	exportRole     = []string{"export", "--format=json", "readonly"}
	fileKeystore   = []string{"AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=correct-horse"}
	sealedKeystore = []string{"AWS_VAULT_BACKEND=sealed", "AWS_VAULT_SEALED_PASSPHRASE=correct-horse"}
)

// unlock leaves nothing to clean up: the key is forgotten after a few minutes.
func unlock(h home) error { return h.run("", "unlock", "--for=5m") }

// thousandSessions creates sessions of one role.
func thousandSessions(h home) error {
	for i := range 1000 {
		if err := h.session(i).run("", exportRole...); err != nil {
			return err
		}
	}
	return nil
}
