package run

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/cli/envvar"
	"aws-vault/vault/plan"
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

// regionAndEndpoint returns the variables for the region and the endpoint, if the profile sets them.
func regionAndEndpoint(pl plan.Plan) (vars []variable) {
	if pl.Region != "" {
		vars = append(vars, variable{"AWS_REGION", pl.Region}, variable{"AWS_DEFAULT_REGION", pl.Region})
	}
	if pl.URL != "" {
		vars = append(vars, variable{"AWS_ENDPOINT_URL", pl.URL})
	}
	return vars
}

func expiration(c aws.Credentials) string { return c.Expires.UTC().Format(time.RFC3339) }
