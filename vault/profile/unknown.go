package profile

import "slices"

// UnknownKey is a key whose name is similar to the name of a setting. Neither aws-vault nor the AWS CLI and SDKs
// read the key.
type UnknownKey struct {
	Origin Origin
	Near   string // the setting with a similar name
}

// maxTypos is the maximum number of wrong letters in a name that is reported as a typing error.
const maxTypos = 2

// otherSettings is the sorted list of settings that the AWS CLI and the SDKs read but aws-vault does not.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
// https://docs.aws.amazon.com/cli/latest/topic/config-vars.html
var otherSettings = []string{
	"account_id", "account_id_endpoint_mode", "addressing_style", "api_versions", "auth_scheme_preference", "aws_account_id", "aws_security_token",
	"cli_auto_prompt", "cli_binary_format", "cli_follow_urlparam", "cli_history", "cli_pager", "cli_timestamp_format",
	"defaults_mode", "disable_request_compression",
	"endpoint_discovery_enabled", "max_bandwidth", "max_concurrent_requests", "max_queue_size",
	"metadata_service_num_attempts", "metadata_service_timeout", "multipart_chunksize", "multipart_threshold", "parameter_validation",
	"payload_signing_enabled", "request_checksum_calculation", "request_min_compression_size_bytes", "response_checksum_validation",
	"s3", "s3_disable_express_session_auth", "s3_disable_multiregion_access_points", "s3_us_east_1_regional_endpoint",
	"s3_use_arn_region", "sdk_ua_app_id", "sigv4a_signing_region_set", "sso_account_name", "tcp_keepalive", "use_accelerate_endpoint", "user_agent_appid",
}

// Unknown returns keys that look like typing errors, in the order of their lines. It searches the profile,
// sso-session, oidc-session and identity sections. It returns at most 1000 keys.
func (f *File) Unknown() []UnknownKey {
	known := make([]string, 0, len(settings))
	for i := range settings {
		known = append(known, settings[i].name)
	}
	slices.Sort(known)
	var all []UnknownKey
	for i := range f.sections {
		s := &f.sections[i]
		if s.kind != profileSection && s.kind != sessionSection && s.kind != oidcSection && s.kind != identitySection {
			continue
		}
		keys, _ := f.keys(s)
		for _, k := range keys {
			if contains(known, k.name) || contains(otherSettings, k.name) || len(k.name) > maxNearName {
				continue
			}
			if near := similarSetting(k.name, known); near != "" {
				all = append(all, UnknownKey{f.origin(s, k.line, k.name), near})
			}
			if len(all) == maxProblems {
				return all
			}
		}
	}
	return all
}

// contains reports whether a sorted list contains the name.
func contains(names []string, name string) bool {
	_, ok := slices.BinarySearch(names, name)
	return ok
}

// similarSetting returns the known setting with the most similar name, or "". At most one letter in
// four, and at most maxTypos letters, may be wrong.
func similarSetting(name string, known []string) string {
	best, steps := "", min(maxTypos, len(name)/4)+1
	for _, k := range known {
		if n := editSteps(name, k); n < steps {
			best, steps = k, n
		}
	}
	return best
}
