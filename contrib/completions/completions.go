// Package completions holds what the shells run to complete command lines of aws-vault. Each
// script asks the program itself, with --completion-bash and the words so far.
package completions

import _ "embed"

// The scripts, for the shell of that name.
var (
	//go:embed bash/aws-vault.bash
	Bash string
	//go:embed zsh/aws-vault.zsh
	Zsh string
	//go:embed fish/aws-vault.fish
	Fish string
)
