#compdef aws-vault
# Completion of aws-vault for zsh. Use it, after compinit, with
#     eval "$(aws-vault --completion-script-zsh)"
# or copy it to a folder in $fpath, with the name _aws-vault.

_aws_vault() {
	local answer
	local -a matches
	answer=$("${(Q)words[1]/#\~/$HOME}" --completion-bash "${(@Q)words[2,CURRENT]}" 2>/dev/null)
	if (( $? == 3 )); then # the command of exec begins behind so many words
		words=("${(@)words[answer + 2,-1]}")
		(( CURRENT -= answer + 1 ))
		_normal
		return
	fi
	matches=("${(@f)answer}")
	matches=("${(@)matches:#}")
	if (( $#matches )); then
		compadd -- "${(@)matches}"
	else
		_files
	fi
}

if [[ $funcstack[1] == _aws-vault ]]; then # loaded from $fpath
	_aws_vault "$@"
else
	compdef _aws_vault aws-vault
fi
