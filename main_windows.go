package main

// dieInterrupted does nothing, because on Windows a signal cannot end a process.
func dieInterrupted() {}
