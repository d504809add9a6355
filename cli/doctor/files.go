package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"aws-vault/cli/app"
	"aws-vault/cli/envvar"
	"aws-vault/vault/disk"
	"aws-vault/vault/doctor"
)

// checkFiles checks the permissions of the config files and of aws-vault's folders. It also reports files with
// another owner, and temporary files that killed processes left behind.
func (p *probe) checkFiles(context.Context) []doctor.Finding {
	config, credentials := p.App.Env.ConfigFile().Path, p.Env.CredentialsFile().Path
	keys, sealed := p.Env.Path(p.Globals.FileDir), p.sealedDir()
	var all []doctor.Finding
	for _, f := range []struct {
		path         string
		private, own bool
	}{
		{filepath.Dir(config), false, false}, {config, false, false}, {credentials, true, false},
		{p.state.Path(), true, true}, {keys, true, true}, {sealed, true, true},
	} {
		info, err := os.Stat(f.path)
		if err != nil {
			continue // the file is missing, or another check reports the error
		}
		if found := p.checkShared(f.path, info); !f.own && found != nil {
			all = append(all, *found)
			continue
		}
		all = append(all, doctor.CheckPermissions(doctor.File{Path: p.Env.Tilde(f.path), Mode: info.Mode(), Owner: app.Owner(info), Private: f.private}, os.Getuid())...)
	}
	all = append(all, p.leftoversIn(filepath.Dir(config))...)
	if dir := filepath.Dir(credentials); dir != filepath.Dir(config) {
		all = append(all, p.leftoversIn(dir)...)
	}
	all = slices.Concat(all, p.checkFolder(p.state), p.checkFolder(disk.NewFolder(keys)))
	if sealed != "" {
		all = append(all, p.checkFolder(disk.NewFolder(sealed))...)
	}
	return all
}

// checkShared returns a note about a file that other users seem to be able to change, if aws-vault still runs the
// programs that the file names. Otherwise checkShared returns nil.
func (p *probe) checkShared(path string, info fs.FileInfo) *doctor.Finding {
	var shared *disk.SharedError
	if !errors.As(disk.CheckShared(path, info), &shared) {
		return nil
	}
	because := shared.Mount
	switch {
	case because != "":
		because = "it is " + because
	case p.Env.ConfigFile().Trusted:
		because = envvar.TrustConfig + " is set"
	default:
		return nil
	}
	return &doctor.Finding{Severity: doctor.Note, Where: p.Env.Tilde(path), What: shared.Reason() + "; aws-vault still runs its programs, because " + because}
}

// checkFolder checks all files in one of aws-vault's folders.
func (p *probe) checkFolder(f *disk.Folder) []doctor.Finding {
	var all []doctor.Finding
	unreadable := f.Walk(func(in *disk.Folder, info fs.FileInfo) {
		all = append(all, doctor.CheckLeftover(p.Env.Tilde(in.Path()), info.Name(), p.Env.Now().Sub(info.ModTime()))...)
	})
	for _, err := range unreadable {
		all = append(all, doctor.ErrorFinding("files", err))
	}
	return all
}

// leftoversIn reports temporary files that killed processes left in a directory.
func (p *probe) leftoversIn(dir string) []doctor.Finding {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []doctor.Finding
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() {
			all = append(all, doctor.CheckLeftover(p.Env.Tilde(dir), e.Name(), p.Env.Now().Sub(info.ModTime()))...)
		}
	}
	return all
}
