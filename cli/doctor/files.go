package doctor

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"aws-vault/cli/app"
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
		path    string
		private bool
	}{
		{filepath.Dir(config), false}, {config, false}, {credentials, true},
		{p.state.Path(), true}, {keys, true}, {sealed, true},
	} {
		info, err := os.Stat(f.path)
		if err != nil {
			continue // the file is missing, or another check reports the error
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
