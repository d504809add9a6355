package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"aws-vault/cli/app"
)

// The command of exec begins where our flags end, however those are written.
func TestSplitCommand(t *testing.T) {
	k := describe(&app.App{Env: app.Env{Stdout: io.Discard, Stderr: io.Discard}}, commands...)
	for _, c := range []struct{ line, left, command string }{
		{"exec prod aws s3 ls --debug", "exec prod", "aws s3 ls --debug"},
		{"exec prod -- aws -x", "exec prod", "aws -x"},
		{"exec -- aws", "exec", "aws"},
		{"exec prod --", "exec prod", ""},
		{"--backend file exec prod aws", "--backend file exec prod", "aws"},
		{"--backend=file exec prod aws", "--backend=file exec prod", "aws"},
		{"--debug exec prod aws", "--debug exec prod", "aws"},
		{"exec --duration 2h prod aws", "exec --duration 2h prod", "aws"},
		{"exec --backend file prod aws", "exec --backend file prod", "aws"},
		{"exec -d 2h prod aws", "exec -d 2h prod", "aws"},
		{"exec -d2h prod aws", "exec -d2h prod", "aws"},
		{"exec -nd 2h prod aws", "exec -nd 2h prod", "aws"},
		{"exec -n prod aws -n", "exec -n prod", "aws -n"},
		{"exec prod --region eu-west-1 aws", "exec prod --region eu-west-1", "aws"},
		{"export prod -- aws", "export prod -- aws", ""},
		{"sso list exec prod", "sso list exec prod", ""},
		{"-- exec prod aws", "-- exec prod aws", ""},
	} {
		left, command, _ := splitCommand(k.Application, strings.Fields(c.line))
		if !slices.Equal(left, strings.Fields(c.left)) || !slices.Equal(command, strings.Fields(c.command)) {
			t.Errorf("%s: %q and %q", c.line, left, command)
		}
	}
	for _, f := range k.Model().Flags {
		if f.Short != 0 && !f.IsBoolFlag() {
			t.Errorf("-%c of every command has a value: let takesNext know of it", f.Short)
		}
	}
}
