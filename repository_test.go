package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// repositoryFiles returns the paths of all files of this repository, with slashes. It leaves out hidden folders, and
// folders whose contents are built or downloaded.
func repositoryFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || file == "dist"):
			return fs.SkipDir
		case !d.IsDir():
			files = append(files, filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sources returns the Go files of all operating systems. It leaves out tests, test data, and the files and folders
// in the argument except.
func sources(t *testing.T, except ...string) (files []string) {
	t.Helper()
	for _, file := range repositoryFiles(t) {
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") && !strings.Contains("/"+file, "/testdata/") && !isBelow(file, except) {
			files = append(files, file)
		}
	}
	return files
}

// isBelow reports whether file is one of the given files, or is in one of the given folders.
func isBelow(file string, names []string) bool {
	for _, name := range names {
		if file == name || strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}
