//go:build unix && !darwin

package browser

func (k kind) command(args []string, look func(string) (string, error)) ([]string, error) {
	return k.findProgram(args, k.programs, look)
}
