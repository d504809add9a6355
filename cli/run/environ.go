package run

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/cli/envvar"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// childEnvironment returns the environment for a command: the variables of this process, AWS_VAULT, and the
// variables in the parameter given. It omits secrets of this process, and variables that select other credentials.
func childEnvironment(a *app.App, pl plan.Plan, given []variable) []string {
	environ := envvar.Drop(slices.Clone(a.Env.Environ()), envvar.Scrubbed, envvar.Unlocking)
	for _, v := range append([]variable{{"AWS_VAULT", pl.Profile}}, given...) {
		environ = append(envvar.Drop(environ, []string{v.name}), v.name+"="+v.value)
	}
	return environ
}

type variable struct{ name, value string }

// variables returns the environment variables from which SDKs read credentials. If the profile sets a region or an
// endpoint, the result also contains the variables for the region and the endpoint.
func variables(pl plan.Plan, c aws.Credentials) []variable {
	vars := []variable{{"AWS_ACCESS_KEY_ID", c.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey}}
	if c.SessionToken != "" {
		vars = append(vars, variable{"AWS_SESSION_TOKEN", c.SessionToken})
	}
	if c.CanExpire {
		vars = append(vars, variable{"AWS_CREDENTIAL_EXPIRATION", expiration(c)})
	}
	return append(vars, regionAndEndpoint(pl)...)
}

// regionAndEndpoint returns the variables for the region and the endpoints, if the profile sets them.
func regionAndEndpoint(pl plan.Plan) (vars []variable) {
	if pl.Region != "" {
		vars = append(vars, variable{"AWS_REGION", pl.Region}, variable{"AWS_DEFAULT_REGION", pl.Region})
	}
	if pl.URL != "" {
		vars = append(vars, variable{"AWS_ENDPOINT_URL", pl.URL})
	}
	for _, service := range slices.Sorted(maps.Keys(pl.ServiceURLs)) {
		if name := profile.EndpointVariable(service); name != "" {
			vars = append(vars, variable{name, pl.ServiceURLs[service]})
		}
	}
	if pl.IgnoreURLs != "" {
		vars = append(vars, variable{ignoreEndpoints, pl.IgnoreURLs})
	}
	return vars
}

const ignoreEndpoints = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"

func expiration(c aws.Credentials) string { return c.Expires.UTC().Format(time.RFC3339) }
