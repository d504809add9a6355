package run

const defaultShell = "cmd.exe"

// commandPID returns 0, because the command is a child process that has not been started.
func commandPID() int { return 0 }
