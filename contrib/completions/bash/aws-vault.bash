# Completion of aws-vault for bash 3.2 and later. Use it with
#     eval "$(aws-vault --completion-script-bash)"
# or copy it to a folder of bash-completion, such as
#     ~/.local/share/bash-completion/completions/aws-vault

_aws_vault() {
	local program=${COMP_WORDS[0]/#\~/$HOME} line answer word words=()
	COMPREPLY=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		word=${word#[\"\']} # words come as they were typed, with their quotes
		words+=("${word//\\/}")
	done
	answer=$("$program" --completion-bash "${words[@]}" 2>/dev/null)
	if [ $? -eq 3 ]; then # the command of exec begins behind so many words
		_aws_vault_command $((answer + 1))
		return
	fi
	while IFS= read -r line; do
		[ -z "$line" ] || COMPREPLY+=("$(printf %q "$line")")
	done <<<"$answer"
}

# _aws_vault_command completes the command that begins at word number $1, as if it were typed without aws-vault.
_aws_vault_command() {
	local first=$1 offset
	for offset in _comp_command_offset _command_offset; do # bash-completion's own
		if declare -F "$offset" >/dev/null; then
			"$offset" "$first"
			return
		fi
	done
	local current=${COMP_WORDS[COMP_CWORD]} line spec
	if ((COMP_CWORD == first)); then
		while IFS= read -r line; do
			COMPREPLY+=("$line")
		done < <(compgen -c -- "$current")
		return
	fi
	spec=$(complete -p "${COMP_WORDS[first]##*/}" 2>/dev/null) || return 0
	COMP_WORDS=("${COMP_WORDS[@]:first}")
	COMP_CWORD=$((COMP_CWORD - first))
	COMP_LINE="${COMP_WORDS[*]}"
	COMP_POINT=${#COMP_LINE}
	local arguments=("${COMP_WORDS[0]}" "$current" "${COMP_WORDS[COMP_CWORD - 1]}")
	if [[ $spec =~ \ -F\ ([^ ]+)\  ]]; then
		"${BASH_REMATCH[1]}" "${arguments[@]}"
	elif [[ $spec =~ \ -C\ ([^ ]+)\  ]]; then
		local program=${BASH_REMATCH[1]//\'/}
		while IFS= read -r line; do
			COMPREPLY+=("$line")
		done < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT "$program" "${arguments[@]}")
	fi
}

complete -o default -F _aws_vault aws-vault
