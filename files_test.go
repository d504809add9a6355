package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pathFunctions lists the functions that access a file by its path. Files in folders of aws-vault must be opened
// with the methods of disk.Folder, because these methods follow no links and accept no files that other users own.
var pathFunctions = map[string][]string{
	"os": {
		"Chdir", "Chmod", "Chown", "Chtimes", "CopyFS", "Create", "CreateTemp", "DirFS", "Lchown", "Link", "Lstat", "Mkdir", "MkdirAll",
		"MkdirTemp", "Open", "OpenFile", "OpenInRoot", "OpenRoot", "ReadDir", "ReadFile", "Readlink", "Remove", "RemoveAll",
		"Rename", "Stat", "Symlink", "Truncate", "WriteFile",
	},
	"path/filepath": {"EvalSymlinks", "Glob", "Walk", "WalkDir"},
	"syscall":       {"Chmod", "Chown", "Lstat", "Mkdir", "Mknod", "Open", "Openat", "Rename", "Stat", "Unlink"},
	"golang.org/x/sys/unix": {
		"Access", "Chmod", "Chown", "Faccessat", "Fchmodat", "Fchownat", "Fstatat", "Getxattr", "Lstat", "Mkdir", "Mkdirat", "Mkfifo", "Mknod", "Open",
		"Openat", "Openat2", "Rename", "Renameat", "Setxattr", "Stat", "Statx", "Unlink", "Unlinkat",
	},
	"aws-vault/vault/disk": {
		"Create", "MkdirPrivate", "Open", "OtherLinks", "ReadBounded", "ReadText", "ReadTextInfo", "Replace", "ReplacePreserving", "ReplacePreservingWithoutCopy",
	},
}

// Reasons in allowedByPath.
const (
	kernelFile      = "files of the kernel, and terminals"
	auditFile       = "opens for appending without waiting, and the caller checks that it is a regular file"
	temporaryFolder = "a new folder for temporary files, which only this user can enter"
)

// allowedByPath lists the functions outside package disk that may access a file by its path. Functions with the same
// reason are in one group.
var allowedByPath = map[string][]string{
	"the user names the file": {
		"cli/identity openAuthority: disk.Create, disk.MkdirPrivate, disk.ReadBounded",
		"cli/run removeStaleSocket: os.Lstat, os.Remove",
		"cli/identity keyFile: disk.Create, disk.ReadBounded",
		"cli/run listenSocket: os.Chmod",
		"cli/app Env.OpenFile: disk.Open",
		"cli/identity checkSameIssuer: disk.ReadBounded",
		"cli/run privateFolder: disk.MkdirPrivate, os.Stat",
		"cli/run socketPath: filepath.EvalSymlinks",
		"cli/identity publish: disk.Replace, os.MkdirAll",
		"cli/identity writeOutput: disk.Create",
		"cli/identity register: disk.Create",
	},
	auditFile: {
		"vault/audit openFile: os.OpenFile",
	},
	"AWS's config file, which can be a link": {
		"cli/system sameFile: os.Stat",
		"cli/run statFiles: os.Stat",
		"vault/configfile File.Edit: disk.ReplacePreserving",
		"vault/configfile File.Read: disk.ReadTextInfo",
		"vault/configfile File.RemoveKey: disk.OtherLinks, disk.ReplacePreservingWithoutCopy",
	},
	"the AWS CLI's file, read as the AWS CLI reads it": {
		"vault/source AWSLogin.Import: disk.OtherLinks",
		"vault/store LoginCache.Login: disk.ReadBounded",
		"vault/store SSOCache.Share: disk.ReadBounded",
		"vault/store SSOCache.Token: disk.ReadBounded",
		"vault/store SSOCache.isOurFile: disk.ReadBounded",
	},
	"the store of pass, which can contain links": {
		"vault/keystore copyIfChanged: disk.ReadBounded",
		"vault/keystore openPass: os.Stat",
		"vault/keystore passRing.Names: filepath.EvalSymlinks, filepath.WalkDir",
		"vault/keystore passRing.Put: disk.ReadBounded, disk.Replace, os.Remove",
		"vault/keystore passRing.Stamp: disk.ReadBounded",
		"vault/keystore passRing.find: os.Stat",
		"vault/keystore passRing.recipientsDir: os.Stat",
		"vault/keystore underGit: os.Stat",
	},
	kernelFile: {
		"cli/system onlyMember: os.Open",
		"cli/system cardHolder: filepath.Glob, os.Open",
		"cli/system processOf: os.ReadFile",
		"cli/system run: unix.Open",
		"cli/system startWitness: os.OpenFile",
		"prompt openTTY: unix.Open",
		"prompt OpenTerminalFiles: os.OpenFile",
		"vault/keystore sessionBus.address: os.Stat",
		"vault/peer processWithSocket: filepath.Glob, os.Readlink",
		"vault/peer isOverflow: os.ReadFile",
		"vault/peer describe: os.ReadFile, os.Readlink",
		"vault/peer socketOf: os.Open",
		"vault/peer identifiesTCP: os.ReadFile",
	},
	"in a directory that only root can write to": {
		"cli/run proxy: os.Remove",
		"cli/run listenProxy: os.Chmod, os.Lchown, os.Lstat, os.Mkdir, os.Remove",
	},
	temporaryFolder: {
		"vault/signin/browser Page.Close: os.RemoveAll",
		"vault/signin/browser writePage: os.MkdirTemp, os.RemoveAll, os.WriteFile",
	},
	"the function reads metadata only, and opens no file": {
		"cli/doctor probe.leftoversIn: os.ReadDir",
		"cli/doctor probe.checkFiles: os.Stat",
	},
}

// TestFilesByPath checks the source of the program. All functions that access files by path must be in allowedByPath.
func TestFilesByPath(t *testing.T) {
	allowed, found := map[string]bool{}, map[string]bool{}
	for _, places := range allowedByPath {
		for _, p := range places {
			function, calls, _ := strings.Cut(p, ": ")
			for call := range strings.SplitSeq(calls, ", ") {
				allowed[function+": "+call] = true
			}
		}
	}
	for _, file := range sources(t, "contrib", "internal", "vault/disk") {
		err := pathCalls(file, func(call string) {
			place := path.Dir(file) + " " + call
			if found[place] = true; !allowed[place] {
				t.Errorf("%s: use disk.Folder for a file of aws-vault, or add the function to allowedByPath with a reason: %s", file, place)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for place := range allowed {
		if !found[place] {
			t.Errorf("allowedByPath lists a function that does not exist or does not access files: %s", place)
		}
	}
}

// openFunctions lists the functions outside package disk that open a file by its path. They wait for the writer of a
// named pipe, read devices, and have no size limit.
var openFunctions = []string{
	"os.Create", "os.CreateTemp", "os.DirFS", "os.Open", "os.OpenFile", "os.OpenInRoot", "os.OpenRoot", "os.ReadFile", "os.WriteFile",
	"syscall.Open", "syscall.Openat", "unix.Open", "unix.Openat", "unix.Openat2",
}

// opensByItself lists the groups of allowedByPath whose functions may use openFunctions.
var opensByItself = []string{kernelFile, auditFile, temporaryFolder}

// opensInDisk lists the functions of package disk that use openFunctions, with the reasons.
var opensInDisk = map[string]string{
	"openShared: os.OpenFile": "Open on Unix, which checks the kind of file",
	"openShared: os.Open":     "Open on Windows, which checks the kind of file",
	"openOwned: os.OpenFile":  "the methods of Folder",
	"syncDir: os.Open":        "a directory, to sync it",
	"Create: os.OpenFile":     "a new file",
	"a variable: os.OpenFile": "a new file, or a file whose kind replacePreserving has checked",
}

// TestFilesOpened checks that all files that the user or a setting names are opened by package disk. TestFilesByPath
// checks that allowedByPath is complete.
func TestFilesOpened(t *testing.T) {
	for reason, places := range allowedByPath {
		if slices.Contains(opensByItself, reason) {
			continue
		}
		for _, place := range places {
			_, calls, _ := strings.Cut(place, ": ")
			for call := range strings.SplitSeq(calls, ", ") {
				if slices.Contains(openFunctions, call) {
					t.Errorf("%s: expected disk.Open, disk.ReadBounded or disk.ReadText, which never wait and accept only regular files", place)
				}
			}
		}
	}
	for _, file := range sources(t, "contrib", "internal") {
		if path.Dir(file) != "vault/disk" {
			continue
		}
		err := pathCalls(file, func(call string) {
			_, opened, _ := strings.Cut(call, ": ")
			if slices.Contains(openFunctions, opened) && opensInDisk[call] == "" {
				t.Errorf("%s: expected Open, or an entry in opensInDisk with a reason: %s", file, call)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// pathCalls calls the function found for each use of a function in pathFunctions. The argument to found contains
// the enclosing function and the used function, for example "Read: os.ReadFile".
func pathCalls(file string, found func(call string)) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return err
	}
	packages := map[string]string{}
	for _, i := range parsed.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		if name == "." && pathFunctions[path] != nil {
			return fmt.Errorf("%s: imports %s with a dot, so its uses cannot be found", file, path)
		}
		packages[name] = path
	}
	for _, d := range parsed.Decls {
		function := "a variable"
		if f, ok := d.(*ast.FuncDecl); ok {
			function = receiver(f) + f.Name.Name
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && slices.Contains(pathFunctions[packages[x.Name]], s.Sel.Name) {
					found(function + ": " + x.Name + "." + s.Sel.Name)
				}
			}
			return true
		})
	}
	return nil
}

// receiver returns the receiver type of a method, followed by a dot. For a function, it returns an empty string.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}
