package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault/disk"
)

// serveFormatList returns the output formats of serve: json, and those formats of export that set variables.
func serveFormatList() []string {
	var names []string
	for _, f := range formats {
		if f.write == nil || f.name == "json" {
			names = append(names, f.name)
		}
	}
	return names
}

func serveFormatNames() string { return strings.Join(serveFormatList(), ", ") }

// A variableSet contains the variables with which programs find the credentials of one profile.
type variableSet struct {
	profile   string
	variables []variable
}

// printVariables prints the variables with which SDKs find the servers. If the parameter containers is true, it
// prints the variables for containers that use the proxy, see [server.ContainerPath].
func printVariables(a *app.App, format string, containers bool, entries []registeredServer) error {
	var sets []variableSet
	for _, e := range entries {
		for _, p := range e.Profiles {
			set := variableSet{p.Name, p.variables()}
			if containers || e.Socket != "" { // only the proxy connects to a socket
				var err error
				if set.variables, err = containerVariables(p); err != nil {
					return err
				}
			}
			sets = append(sets, set)
		}
	}
	text, err := formatVariables(format, sets)
	if err != nil {
		return err
	}
	_, err = a.Env.Stdout.Write(text)
	return err
}

// containerVariables returns the variables for a container. One of them contains the profile's
// [server.ContainerPath], which is secret. The registration contains no secret, so containerVariables derives the
// path from the profile's token.
func containerVariables(p registeredProfile) ([]variable, error) {
	token, err := disk.NewFolder(filepath.Dir(p.TokenFile)).Read(filepath.Base(p.TokenFile), maxRegistryFile)
	if err != nil {
		return nil, fmt.Errorf("token of profile %s: %w", p.Name, err)
	}
	vars := []variable{{containerRelativeURI, server.ContainerPath(p.Name, string(token))}}
	for _, v := range p.variables() {
		switch v.name {
		case containerRelativeURI, containerURI, containerTokenFile:
		default:
			vars = append(vars, v)
		}
	}
	return vars, nil
}

// formatVariables formats the variables of each profile. If there are several profiles, a comment with the profile's
// name precedes the variables of each profile.
func formatVariables(format string, sets []variableSet) ([]byte, error) {
	if format == "json" {
		return variablesJSON(sets)
	}
	remark := "# "
	if format == "cmd" {
		remark = "rem "
	}
	var b bytes.Buffer
	for _, s := range sets {
		if len(sets) > 1 {
			fmt.Fprintln(&b, remark+strings.Join(strings.Fields(s.profile), " "))
		}
		for _, f := range formats {
			if f.name != format {
				continue
			}
			text, err := f.lines.text(s.variables)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	return b.Bytes(), nil
}

func variablesJSON(sets []variableSet) ([]byte, error) {
	all := map[string]map[string]string{}
	for _, s := range sets {
		all[s.profile] = map[string]string{}
		for _, v := range s.variables {
			all[s.profile][v.name] = v.value
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}
