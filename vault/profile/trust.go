package profile

import (
	"fmt"
	"slices"
)

// Trust says whether the programs that a file names may be run. With the zero Trust, they may.
type Trust struct {
	Refused error  // why the programs may not be run, such as that another user can change the file; or nil
	Note    string // what the user should know if the programs are run; or empty
}

// WithTrust returns a copy of the file with this trust.
func (f *File) WithTrust(t Trust) *File {
	c := *f
	c.trust = t
	return &c
}

// UntrustedError reports a setting that names a program, in a file whose programs may not be run.
type UntrustedError struct {
	Origin  Origin
	Setting string
	Err     error // the reason
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("%s runs a program, but %v", e.Origin.subject(e.Setting), e.Err)
}

func (e *UntrustedError) Unwrap() error { return e.Err }

// runsProgram reports whether the value of the setting is a command.
func (s *setting) runsProgram() bool { return s.fileRule.want == anyCommand.want }

// checkTrust returns an *UntrustedError if a setting of p names a program in a file whose programs may not be run. It
// adds the notes about the other programs to p.
func (r *resolver) checkTrust(p *Profile) error {
	for i := range settings {
		v := p.values[settings[i].name]
		if v.Text == "" || !settings[i].runsProgram() {
			continue
		}
		var t Trust
		switch v.Origin.Kind {
		case ConfigFile:
			t = r.config.trust
		case CredentialsFile:
			t = r.in.Credentials.trust
		}
		if t.Refused != nil {
			return &UntrustedError{v.Origin, settings[i].name, t.Refused}
		}
		if t.Note != "" && !slices.Contains(p.trustNotes, t.Note) {
			p.trustNotes = append(p.trustNotes, t.Note)
		}
	}
	return nil
}

// TrustNotes returns the notes of all files that name a program of the profile or its source profiles.
func (p *Profile) TrustNotes() []string {
	var all []string
	for ; p != nil; p = p.Source {
		for _, n := range p.trustNotes {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}
