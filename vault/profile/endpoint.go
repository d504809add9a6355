package profile

import (
	"maps"
	"slices"
	"strings"
)

// endpoints maps services to the endpoint URLs of a profile. The entry with the key "" applies to all services
// without an entry of their own.
type endpoints map[string]Value

// services lists the services whose endpoint URL can be set in the environment. Their names are the same as in a
// services section.
// https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html
var services = []string{"iam", "rolesanywhere", "signin", "sso", "sso_oidc", "sts"}

// ServiceEndpoint returns the URL for calls to a service (sts, iam, sso, sso_oidc, signin,
// rolesanywhere). It returns the zero Value if AWS's own endpoint is used. The order of priority
// is: a flag for endpoint_url, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the services section
// of the profile, the profile's endpoint_url. If ignore_configured_endpoint_urls is true, only the
// flag is used.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (p *Profile) ServiceEndpoint(service string) Value {
	if v, ok := p.endpoints[service]; ok {
		return v
	}
	return p.endpoints[""]
}

// ServiceEndpoints returns the URLs of the services that have a URL of their own, by the name of the service, such
// as s3. Other services have the URL that [Profile.ServiceEndpoint] returns for an empty name.
func (p *Profile) ServiceEndpoints() map[string]Value {
	all := maps.Clone(p.endpoints)
	delete(all, "")
	return all
}

// EndpointVariable returns the variable with the endpoint URL of a service. The parameter service is the name that a
// services section uses. The result is "" if no service has that name.
// https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html
func EndpointVariable(service string) string {
	if !hasOnly(service, 1, 64, "") {
		return ""
	}
	return "AWS_ENDPOINT_URL_" + strings.ToUpper(service)
}

// endpoints returns the URLs that ServiceEndpoint uses. It checks each URL.
func (r *resolver) endpoints(p *Profile) (endpoints, error) {
	all := p.Value(endpointURL)
	if all.Origin.Kind == CommandLine {
		return endpoints{"": all}, nil
	}
	if p.Bool(ignoreEndpoints) {
		return nil, nil
	}
	found := endpoints{"": all}
	if all.Origin.Kind != Environment {
		own, err := r.services(p.Value(servicesName))
		if err != nil {
			return nil, err
		}
		maps.Copy(found, own)
	}
	for _, service := range slices.Concat(services, slices.Collect(maps.Keys(found))) {
		variable := EndpointVariable(service)
		if text := r.env(variable); variable != "" && text != "" {
			found[service] = Value{Text: text, Origin: Origin{Kind: Environment, Name: variable}}
		}
	}
	for _, service := range slices.Sorted(maps.Keys(found)) {
		if err := settingNamed(endpointURL).check(found[service]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// services returns the URLs of the services section that a profile names.
func (r *resolver) services(section Value) (endpoints, error) {
	if section.Text == "" {
		return nil, nil
	}
	b, err := r.config.body(servicesSection, section.Text)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, missing(r.config, section, servicesName, servicesSection)
	}
	found := endpoints{}
	for name, k := range b.keys {
		v, ok, err := b.nested(k, endpointURL)
		if err != nil {
			return nil, err
		}
		if ok {
			found[name] = v
		}
	}
	return found, nil
}

// nested returns one setting from a value that contains several settings in indented lines:
//
//	sts =
//	  endpoint_url = https://sts.example.com
func (b *body) nested(k bodyKey, setting string) (v Value, ok bool, err error) {
	if !strings.HasPrefix(k.value, "\n") {
		return Value{}, false, nil
	}
	for p := range pieces(b.file.text, k.key) {
		name, value, ok := strings.Cut(p.text, "=")
		origin := b.file.origin(k.section, p.line, setting)
		if !ok {
			return Value{}, false, &SyntaxError{origin, `a line without "=" in a nested block`, "KEY = VALUE"}
		}
		if strings.EqualFold(trim(name), setting) {
			v.Text, _ = cutComments(trim(value))
			v.Origin = origin
		}
	}
	return v, v.Origin.Kind != Unset, nil
}
