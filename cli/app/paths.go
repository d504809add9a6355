package app

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aws-vault/cli/envvar"
	"aws-vault/cli/ui"
	"aws-vault/vault/configfile"
	"aws-vault/vault/disk"
	"aws-vault/vault/profile"
)

// ConfigFile returns the AWS config file: AWS_CONFIG_FILE or ~/.aws/config.
func (e *Env) ConfigFile() configfile.File {
	path, ok := e.Getenv("AWS_CONFIG_FILE")
	if !ok || path == "" {
		path = filepath.Join("~", ".aws", "config")
	}
	return configfile.File{Path: e.Path(path), Name: e.Tilde(e.Path(path)), Trusted: e.trustsConfig()}
}

// CredentialsFile returns the shared credentials file: AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials.
func (e *Env) CredentialsFile() configfile.File {
	path, ok := e.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if !ok || path == "" {
		path = filepath.Join("~", ".aws", "credentials")
	}
	return configfile.File{Path: e.Path(path), Name: e.Tilde(e.Path(path)), Shared: true, Trusted: e.trustsConfig()}
}

// trustsConfig reports whether programs that the config files name are run even if other users can change the files.
func (e *Env) trustsConfig() bool {
	text, _ := e.Getenv(envvar.TrustConfig)
	trusts, err := strconv.ParseBool(text)
	return err == nil && trusts
}

// ReadConfig parses the config file and the shared credentials file. A missing file counts as empty.
func (e *Env) ReadConfig(flags map[string]profile.Flag) (*profile.File, profile.Inputs, error) {
	in := profile.Inputs{Flags: flags, Env: e.Getenv}
	f, err := e.ConfigFile().Read()
	if err != nil {
		return nil, in, err
	}
	in.Credentials, err = e.CredentialsFile().Read()
	return f, in, err
}

// ReadConfig parses the config files like [Env.ReadConfig]. It warns about lines that cannot be read, unless the last
// warning was about the same lines. The AWS CLI refuses a file with such a line. aws-vault refuses only the profiles
// that the line affects.
func (a *App) ReadConfig(flags map[string]profile.Flag) (*profile.File, profile.Inputs, error) {
	config, in, err := a.Env.ReadConfig(flags)
	if err == nil {
		warnBroken(a, slices.Concat(config.Broken(), in.Credentials.Broken()))
	}
	return config, in, err
}

// maxBroken is the maximum number of lines for which ReadConfig prints a separate warning. It only counts the others.
const maxBroken = 3

func warnBroken(a *App, broken []profile.Problem) {
	if len(broken) == 0 || slices.Equal(broken, a.broken) {
		return
	}
	a.broken = broken
	for _, p := range broken[:min(len(broken), maxBroken)] {
		a.Warn(errors.New(p.String()))
	}
	if more := len(broken) - maxBroken; more > 0 {
		a.Warn(fmt.Errorf("%s of the config files cannot be read; aws-vault doctor lists all of them", ui.Count(more, "more line")))
	}
}

// Path replaces a leading ~ with the home directory.
func (e *Env) Path(p string) string { return disk.ExpandHome(p, e.Home) }

// Tilde replaces the home directory at the start of a path with ~, for messages.
func (e *Env) Tilde(p string) string {
	if rest, ok := strings.CutPrefix(p, e.Home+string(filepath.Separator)); ok && e.Home != "" {
		return "~" + string(filepath.Separator) + rest
	}
	return p
}

// Shorten replaces the home directory with ~ in all paths that a message contains.
func (e *Env) Shorten(text string) string {
	if e.Home == "" || e.Home == string(filepath.Separator) {
		return text
	}
	return strings.ReplaceAll(text, e.Home+string(filepath.Separator), "~"+string(filepath.Separator))
}

// OpenFile opens a file that the user or a setting names, as [disk.Open] does. The caller closes it.
func (e *Env) OpenFile(path string) (io.ReadCloser, error) {
	f, err := disk.Open(e.Path(path))
	if err != nil {
		return nil, err // not f: a nil *os.File is not a nil io.ReadCloser
	}
	return f, nil
}

// callers returns the profiles whose commands started this process, directly or through other commands. The
// outermost profile is first.
func (e *Env) callers() []string {
	list, _ := e.Getenv(envvar.Callers)
	if list == "" {
		return nil
	}
	return strings.Split(list, "\n")
}
