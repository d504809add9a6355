# Completion of aws-vault for fish. Use it with
#     aws-vault --completion-script-fish | source
# or copy it to ~/.config/fish/completions.

function __aws_vault_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l answer ($program --completion-bash $words "$current" 2>/dev/null)
    if test $status -eq 3 # the command of exec begins behind so many words
        set -l command $words[(math $answer + 1)..-1]
        complete -C (string join ' ' -- (string escape -- $command) "$current")
        return
    end
    if set -q answer[1]
        printf '%s\n' $answer
    else
        __fish_complete_path $current
    end
end

complete -c aws-vault -f -a '(__aws_vault_complete)'
