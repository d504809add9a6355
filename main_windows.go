package main

// dieInterrupted does nothing: on Windows a process does not end with a signal.
func dieInterrupted() {}
