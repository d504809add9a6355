package browser

// command starts a new instance of the browser with "open -na", because a running browser accepts no arguments.
func (k kind) command(args []string, look func(string) (string, error)) ([]string, error) {
	if argv, err := k.findProgram(args, k.programs, look); err == nil {
		return argv, nil
	}
	app := "/Applications/" + k.app + ".app"
	if _, err := look(app + "/Contents/MacOS/" + k.app); err != nil {
		return nil, &NotFoundError{Name: k.name, Tried: []string{app}}
	}
	return append([]string{"/usr/bin/open", "-na", app, "--args"}, args...), nil
}
