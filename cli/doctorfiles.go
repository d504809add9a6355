package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"aws-vault/vault/doctor"
)

// lookAtFiles looks who may read and write the files that decide, and what was left lying
// about.
func (p *patient) lookAtFiles(context.Context) []doctor.Finding {
	config, credentials := p.app.config().Path, p.credentialsFile().Path
	var all []doctor.Finding
	for _, f := range []struct {
		path    string
		private bool
	}{
		{filepath.Dir(config), false}, {config, false}, {credentials, true},
		{p.state.Path(), true}, {p.path(p.globals.fileDir), true}, {p.sealedDir(), true},
	} {
		info, err := os.Stat(f.path)
		if err != nil {
			continue // what is not there is nobody's; what cannot be read was said
		}
		all = append(all, doctor.Rights(doctor.File{Path: p.tilde(f.path), Mode: info.Mode(), Owner: owner(info), Private: f.private}, os.Getuid())...)
	}
	dirs := []string{filepath.Dir(config), p.path(p.globals.fileDir)}
	if filepath.Dir(credentials) != dirs[0] {
		dirs = append(dirs, filepath.Dir(credentials))
	}
	for _, dir := range slices.Concat(dirs, p.below(p.state.Path()), p.below(p.sealedDir())) {
		all = append(all, p.leftIn(dir)...)
	}
	return all
}

// below are a directory of ours and those in it, two levels deep, which is how deep they go.
func (p *patient) below(dir string) []string {
	if dir == "" {
		return nil
	}
	dirs := []string{dir}
	for _, pattern := range []string{"*", filepath.Join("*", "*")} {
		more, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, d := range more {
			if info, err := os.Lstat(d); err == nil && info.IsDir() {
				dirs = append(dirs, d)
			}
		}
	}
	return dirs
}

func (p *patient) leftIn(dir string) []doctor.Finding {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []doctor.Finding
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() {
			all = append(all, doctor.Leftover(p.tilde(dir), e.Name(), p.env.Now().Sub(info.ModTime()))...)
		}
	}
	return all
}
