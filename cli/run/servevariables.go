package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"aws-vault/cli/app"
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

// printVariables prints the variables with which SDKs find the servers.
func printVariables(a *app.App, format string, entries []registeredServer) error {
	var profiles []registeredProfile
	for _, e := range entries {
		profiles = append(profiles, e.Profiles...)
	}
	text, err := formatVariables(format, profiles)
	if err != nil {
		return err
	}
	_, err = a.Env.Stdout.Write(text)
	return err
}

// formatVariables formats the variables of each profile. If there are several profiles, a comment with the profile's
// name precedes the variables of each profile.
func formatVariables(format string, profiles []registeredProfile) ([]byte, error) {
	if format == "json" {
		return variablesJSON(profiles)
	}
	remark := "# "
	if format == "cmd" {
		remark = "rem "
	}
	var b bytes.Buffer
	for _, p := range profiles {
		if len(profiles) > 1 {
			fmt.Fprintln(&b, remark+strings.Join(strings.Fields(p.Name), " "))
		}
		for _, f := range formats {
			if f.name != format {
				continue
			}
			text, err := f.lines.text(p.variables())
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	return b.Bytes(), nil
}

func variablesJSON(profiles []registeredProfile) ([]byte, error) {
	all := map[string]map[string]string{}
	for _, p := range profiles {
		all[p.Name] = map[string]string{}
		for _, v := range p.variables() {
			all[p.Name][v.name] = v.value
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}
