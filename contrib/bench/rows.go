package main

// truePath is the program that aws-vault and the floor program start.
const truePath = "/bin/true"

// A row describes one measured command. The table on the page has one row for each command, and compares the
// command with the floor program.
type row struct {
	what  string
	bound float64 // the maximum time, as a multiple of the floor program's time; 0 means no maximum
	args  []string

	profiles int                // number of additional profiles in the config file
	keystore []string           // environment variables that select the keystore; nil means the file keystore
	prepare  func(h home) error // if set, called after alice's key has been stored and before the measurement

	line       string // the line of the plot to which this row's median belongs; empty if the median is not plotted
	exits      bool   // whether the command, and therefore the floor program, exits without starting a program
	newSession bool   // whether each run needs a new session
}

// rows contains the measured commands, in the order of the table on the page.
var rows = []row{
	{what: "`--version`", bound: 1.6, args: []string{"--version"}, exits: true},
	{what: "`exec`", bound: 1.5, args: execAlice, line: "exec"},
	{what: "`exec` of a role", bound: 1.5, args: execRole},
	{what: "`export --format=json` of a role", bound: 1.5, args: exportRole},
	{what: "`exec` among 1,000 profiles", bound: 1.7, args: execAlice, profiles: 1_000, line: "exec"},
	{what: "`exec` among 10,000 profiles", args: execAlice, profiles: 10_000, line: "exec"},
	{what: "`exec` among 20,000 profiles", bound: 4, args: execAlice, profiles: 20_000, line: "exec"},
	{what: "`list`", args: []string{"list"}, line: "list"},
	{what: "`list` among 1,000 profiles", args: []string{"list"}, profiles: 1_000, line: "list"},
	{what: "`list` among 10,000 profiles", args: []string{"list"}, profiles: 10_000, line: "list"},
	{what: "`list` among 20,000 profiles", args: []string{"list"}, profiles: 20_000, line: "list"},
	{what: "`list` with 1,000 sessions", args: []string{"list"}, prepare: thousandSessions},
	{what: "completion of a profile among 20,000", args: []string{"--completion-bash", "exec", ""}, profiles: 20_000},
	{what: "`exec` of a role, a new session each time", args: execRole, newSession: true},
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

// unlock unlocks the sealed keystore for five minutes. The keystore then locks itself, so the benchmark need not
// lock it.
func unlock(h home) error { return h.run("", "unlock", "--for=5m") }

// thousandSessions caches a thousand sessions of one role.
func thousandSessions(h home) error {
	for i := range 1000 {
		if err := h.session(i).run("", exportRole...); err != nil {
			return err
		}
	}
	return nil
}
