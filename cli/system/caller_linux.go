package system

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// caller returns the name of the program that started this process, or an empty string if the program is not known. If
// a shell started this process, caller returns the program that started the shell.
func caller() string {
	shells := []string{"sh", "bash", "dash", "zsh", "ash", "busybox"}
	for pid, depth := os.Getppid(), 0; pid > 1 && depth < 4; depth++ {
		name, parent, ok := processOf(pid)
		if !ok {
			return ""
		}
		if !slices.Contains(shells, name) {
			return name
		}
		pid = parent
	}
	return ""
}

// processOf reads the name and the parent of a process.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func processOf(pid int) (name string, parent int, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if err != nil || open < 0 || end < open {
		return "", 0, false
	}
	fields := strings.Fields(string(stat[end+1:])) // the fields after the name: the state, the parent's ID, and more
	if len(fields) < 2 {
		return "", 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return string(stat[open+1 : end]), parent, err == nil
}
