package cli

const defaultShell = "cmd.exe"
