// Package completions holds the scripts with which shells complete command lines of aws-vault. Each
// script runs aws-vault --completion-bash with the words typed so far.
package completions

import _ "embed"

// The completion script for each shell.
var (
	//go:embed bash/aws-vault.bash
	Bash string
	//go:embed zsh/aws-vault.zsh
	Zsh string
	//go:embed fish/aws-vault.fish
	Fish string
)
