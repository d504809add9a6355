// Package setup has the commands that write profiles.
package setup

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

func Command(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("setup", "Create profiles.").HelpLong(app.Examples(
		"Create a profile that assumes a role with your stored key.", "aws-vault setup aws --role arn:aws:iam::123456789012:role/ReadOnly",
		"Show the flags of the subcommand.", "aws-vault setup aws --help"))
	return []app.Verb{
		setupAWSCommand(c, a),
	}
}

// sources lists the settings from which a new profile can get its credentials. Each setting has a flag with the same
// name.
var sources = []struct{ setting, help string }{
	{"source_profile", "Profile or stored key that assumes the role. Default: the only stored key."},
	{"oidc_session", "The oidc-session section whose ID token is exchanged for the role."},
	{"identity", "Identity whose token is exchanged for the role."},
}

type setupFlags struct {
	role, profile, region string
	sources               []string // the values of the flags, in the order of the package variable sources
}

func setupAWSCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	f := setupFlags{sources: make([]string, len(sources))}
	c := k.Command("aws", "Create a profile for a role, and a second one for tools that do not use aws-vault. Then check that the role can be assumed.").HelpLong(app.Examples(
		"Create a profile that assumes a role with your stored key.", "aws-vault setup aws --role arn:aws:iam::123456789012:role/ReadOnly",
		"Create the profile prod for a role that your identity assumes.", "aws-vault setup aws --profile prod --identity alice --role arn:aws:iam::123456789012:role/Deploy"))
	c.Flag("role", "ARN of the role.").Required().PlaceHolder("ARN").StringVar(&f.role)
	c.Flag("profile", "Name of the profile. If it is in use, a number is added.").PlaceHolder("NAME").Default("aws-vault").StringVar(&f.profile)
	c.Flag("region", "AWS region.").PlaceHolder("REGION").StringVar(&f.region)
	for i, s := range sources {
		c.Flag(strings.ReplaceAll(s.setting, "_", "-"), s.help).PlaceHolder("NAME").StringVar(&f.sources[i])
	}
	return app.Verb{Command: c, Effect: "writes profiles, which define the access of an agent", Run: func(ctx context.Context) error { return setupAWS(ctx, a, f) }}
}

// toolsSuffix is the end of the name of the second profile that setup aws writes. The second profile is for tools that
// do not use aws-vault.
const toolsSuffix = "-tools"

func setupAWS(ctx context.Context, a *app.App, f setupFlags) error {
	s, err := a.Open(ctx, "setup aws")
	if err != nil {
		return err
	}
	settings, err := roleSettings(ctx, a, s, f)
	if err != nil {
		return err
	}
	program, err := a.Env.SelfPath()
	if err != nil {
		return fmt.Errorf("finding the path of aws-vault: %w", err)
	}
	var name string
	err = a.Env.ConfigFile().Edit(ctx, s.Locks, func(file *profile.File) ([]byte, error) {
		s.Config = file
		if name, err = unusedName(ctx, s, f.profile); err != nil {
			return nil, err
		}
		text, err := profile.WithProfile(file, name, settings)
		if err != nil {
			return nil, err
		}
		line, err := processLine(a, program, name)
		if err != nil {
			return nil, err
		}
		if s.Config, err = profile.Parse(file.Path(), text); err != nil {
			return nil, err
		}
		tools := append([]profile.Setting{{Name: "credential_process", Value: line}}, f.regionSettings()...)
		return profile.WithProfile(s.Config, name+toolsSuffix, tools)
	})
	if err != nil {
		return err
	}
	a.Print("Wrote profile %q, and profile %q for other tools, to %s.\n", name, name+toolsSuffix, a.Env.ConfigFile().Name)
	if err := verifyProfile(ctx, a, s, name); err != nil {
		return &notWorkingError{name, err}
	}
	return nil
}

// A notWorkingError reports that a profile was written but does not work.
type notWorkingError struct {
	profile string
	err     error
}

func (e *notWorkingError) Error() string {
	return fmt.Sprintf("profile %s was written, but does not work yet: %v", e.profile, e.err)
}

func (e *notWorkingError) Unwrap() error { return e.err }

func (e *notWorkingError) Remedy() string {
	return fmt.Sprintf("fix the problem, then test the profile: aws-vault exec %s -- true (running setup again would write another profile)", ui.QuoteWord(e.profile))
}

// regionSettings returns the setting of the region, or no setting if --region is not given.
func (f setupFlags) regionSettings() []profile.Setting {
	if f.region == "" {
		return nil
	}
	return []profile.Setting{{Name: "region", Value: f.region}}
}

// roleSettings returns the settings of the profile that assumes the role: the role, the region if --region is given,
// and the source.
func roleSettings(ctx context.Context, a *app.App, s *app.Session, f setupFlags) ([]profile.Setting, error) {
	settings := append([]profile.Setting{{Name: "role_arn", Value: f.role}}, f.regionSettings()...)
	count := 0
	for i, name := range f.sources {
		if name != "" {
			settings = append(settings, profile.Setting{Name: sources[i].setting, Value: name})
			count++
		}
	}
	switch {
	case count > 1:
		return nil, &app.UsageError{Text: "several sources given: expected only one of --source-profile, --oidc-session and --identity"}
	case count == 0:
		stored, err := s.Keys.Names(ctx)
		if err != nil {
			return nil, err
		}
		if len(stored) != 1 {
			return nil, &app.UsageError{Text: fmt.Sprintf("no source given: expected --source-profile, because the keystore has %s", ui.Count(len(stored), "key"))}
		}
		settings = append(settings, profile.Setting{Name: "source_profile", Value: stored[0]})
	}
	return checkSource(ctx, s, settings)
}

// checkSource checks that the source exists. The source is the last element of settings. If the source profile has an
// MFA device, checkSource adds the device to settings, so that one MFA code is enough for both profiles.
func checkSource(ctx context.Context, s *app.Session, settings []profile.Setting) ([]profile.Setting, error) {
	last := settings[len(settings)-1]
	if last.Name != "source_profile" {
		in := s.Inputs
		in.Flags = map[string]profile.Flag{last.Name: {Name: "--" + strings.ReplaceAll(last.Name, "_", "-"), Text: last.Value}}
		_, err := s.Config.Resolve("", in)
		return settings, err
	}
	p, err := s.Config.Resolve(last.Value, s.Inputs)
	if err != nil {
		return nil, err
	}
	if !p.Defined {
		_, stored, err := s.Keys.Fingerprint(ctx, last.Value)
		if err != nil {
			return nil, err
		}
		if !stored {
			return nil, &plan.NoProfileError{Name: last.Value, Near: profile.Nearest(last.Value, s.Config.Profiles())}
		}
	}
	if v := p.Value("mfa_serial"); v.Text != "" && !v.Origin.InDefault() && v.Origin.Kind != profile.Environment {
		settings = append(settings, profile.Setting{Name: "mfa_serial", Value: v.Text})
	}
	return settings, nil
}

// unusedName returns a name for a new profile, if possible the name in the parameter wanted. If this name or the
// name of its tools profile is used, unusedName adds a number, from 2 on, until both names are unused. The name of a
// stored key counts as used, because the key would take precedence over the profile.
func unusedName(ctx context.Context, s *app.Session, wanted string) (string, error) {
	name := wanted
	for n := 2; ; n++ {
		used := false
		for _, each := range []string{name, name + toolsSuffix} {
			_, stored, err := s.Keys.Fingerprint(ctx, each)
			if err != nil {
				return "", err
			}
			used = used || stored || s.Config.Has(each) || s.Inputs.Credentials.Has(each)
		}
		if !used {
			return name, nil
		}
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
}

// processLine returns the value of credential_process for tools that do not use aws-vault. Some tools pass this
// value to a shell, and others do not. So processLine uses only quotes that have the same meaning with and without
// a shell.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func processLine(a *app.App, program, name string) (string, error) {
	words := []string{"export", "--format=json"}
	if a.Globals.Backend != "" {
		words = append(words, "--backend="+a.Globals.Backend)
	}
	line := ""
	for i, word := range append([]string{program}, append(words, name)...) {
		quoted, ok := quoteWord(word, i == 0)
		if !ok {
			return "", fmt.Errorf("%q cannot be used in credential_process: it has quotes or control characters", word)
		}
		line = strings.TrimSpace(line + " " + quoted)
	}
	return line, nil
}

// verifyProfile creates credentials with the new profile, and prints the ARN that AWS reports for them.
func verifyProfile(ctx context.Context, a *app.App, s *app.Session, name string) error {
	config, err := a.Env.ConfigFile().Read()
	if err != nil {
		return err
	}
	s = a.Assemble(config, s.Inputs, s.Locks, s.State, s.Keystore)
	t := a.Task(s, app.Request{Flags: &app.CredentialFlags{}}, name)
	if err := t.MakePlan(ctx); err != nil {
		return err
	}
	creds, err := t.Credentials(ctx, app.ExecNeed(t.Plan))
	if err != nil {
		return err
	}
	last := t.Plan.Last()
	caller, err := s.Source.STS(plan.Call{Service: "sts", Region: last.Region, Endpoint: last.Endpoint}).Caller(ctx, creds)
	if err != nil {
		return err
	}
	a.Print("It works: %s\n", caller.ARN)
	return nil
}
