# Completion of aws-vault for bash 3.2 and later. Use it with
#     eval "$(aws-vault --completion-script-bash)"
# or copy it to a folder of bash-completion, such as
#     ~/.local/share/bash-completion/completions/aws-vault

_aws_vault() {
	local program=${COMP_WORDS[0]/#\~/$HOME} rest=$COMP_LINE line answer word gap i last=-1
	# Bash splits words at the characters in COMP_WORDBREAKS, such as the colon in acme:admin. Words without a space
	# between them belong together. The array starts has the index in COMP_WORDS of each joined word, and prefix is
	# the part of the last one that is before the word that bash completes.
	local words=() starts=() prefix=
	COMPREPLY=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		gap=${rest%%[![:space:]]*}
		rest=${rest#"$gap"}
		rest=${rest#"${COMP_WORDS[i]}"}
		word=${COMP_WORDS[i]#[\"\']} # words come as they were typed, with their quotes
		word=${word//\\/}
		if ((i > 0)) && [ -z "$gap" ]; then
			prefix=${words[last]}
			words[last]+=$word
			case $word in [:=]) prefix=${words[last]} ;; esac
		else
			last=$((last + 1))
			words[last]=$word starts[last]=$i prefix=
		fi
	done
	answer=$("$program" --completion-bash "${words[@]:1}" 2>/dev/null)
	if [ $? -eq 3 ]; then # the command of exec begins after this number of words
		_aws_vault_command "${starts[answer + 1]}"
		return
	fi
	while IFS= read -r line; do
		[ -z "$line" ] || COMPREPLY+=("$(printf %q "${line#"$prefix"}")")
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
