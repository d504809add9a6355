package profile

import (
	"fmt"
	"slices"
)

// Trust says whether the settings of a file may run programs and write to files. With the zero Trust, they may.
type Trust struct {
	Refused error  // why the settings may not do this, such as that another user can change the file; or nil
	Note    string // what the user should know if a setting does this; or empty
}

// WithTrust returns a copy of the file with this trust.
func (f *File) WithTrust(t Trust) *File {
	c := *f
	c.trust = t
	return &c
}

// UntrustedError reports a setting that runs a program or writes to a file, in a config file that is not trusted.
type UntrustedError struct {
	Origin  Origin
	Setting string
	Effect  string // what the setting does, such as "runs a program"
	Err     error  // the reason
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("%s %s, but %v", e.Origin.subject(e.Setting), e.Effect, e.Err)
}

func (e *UntrustedError) Unwrap() error { return e.Err }

// effect returns what the setting does that other users must not be able to cause, such as "runs a program". For
// most settings, it returns an empty string. The setting audit writes to a file, and each line contains the
// profile's name. So another user could choose a name that contains a command, and let aws-vault add the line to a
// file such as ~/.profile.
func (s *setting) effect() string {
	switch {
	case s.fileRule.want == anyCommand.want:
		return "runs a program"
	case s.name == "audit":
		return "writes to a file"
	}
	return ""
}

// checkTrust returns an *UntrustedError if a setting of p runs a program or writes to a file, and the file that
// contains the setting is not trusted. If a file is trusted with a note, checkTrust adds the note to p.
func (r *resolver) checkTrust(p *Profile) error {
	for i := range settings {
		v := p.values[settings[i].name]
		if v.Text == "" || settings[i].effect() == "" {
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
			return &UntrustedError{v.Origin, settings[i].name, settings[i].effect(), t.Refused}
		}
		if t.Note != "" && !slices.Contains(p.trustNotes, t.Note) {
			p.trustNotes = append(p.trustNotes, t.Note)
		}
	}
	return nil
}

// TrustNotes returns the notes about all files in which the profile or one of its source profiles sets a program
// or an audit file.
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
