package run

const defaultShell = "cmd.exe"
