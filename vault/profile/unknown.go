package profile

import "slices"

// UnknownKey is a key that nobody reads and whose name is much like that of a setting.
type UnknownKey struct {
	Origin Origin
	Near   string // the setting
}

// maxSlip is how many letters a name may be off for us to take it for a slip.
const maxSlip = 2

// others are the settings that the AWS CLI and the SDKs read and we do not, sorted.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
// https://docs.aws.amazon.com/cli/latest/topic/config-vars.html
var others = []string{
	"account_id", "account_id_endpoint_mode", "addressing_style", "api_versions", "auth_scheme_preference", "aws_account_id", "aws_security_token",
	"cli_auto_prompt", "cli_binary_format", "cli_follow_urlparam", "cli_history", "cli_pager", "cli_timestamp_format",
	"defaults_mode", "disable_request_compression",
	"endpoint_discovery_enabled", "max_bandwidth", "max_concurrent_requests", "max_queue_size",
	"metadata_service_num_attempts", "metadata_service_timeout", "multipart_chunksize", "multipart_threshold", "parameter_validation",
	"payload_signing_enabled", "request_checksum_calculation", "request_min_compression_size_bytes", "response_checksum_validation",
	"s3", "s3_disable_express_session_auth", "s3_disable_multiregion_access_points", "s3_us_east_1_regional_endpoint",
	"s3_use_arn_region", "sdk_ua_app_id", "sigv4a_signing_region_set", "sso_account_name", "tcp_keepalive", "use_accelerate_endpoint", "user_agent_appid",
}

// Unknown returns the keys in profiles and sessions that look like slips of the pen, in
// the order of their lines. It stops after a thousand.
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
			if holds(known, k.name) || holds(others, k.name) || len(k.name) > maxNearName {
				continue
			}
			if near := slip(k.name, known); near != "" {
				all = append(all, UnknownKey{f.origin(s, k.line, k.name), near})
			}
			if len(all) == maxProblems {
				return all
			}
		}
	}
	return all
}

// holds reports whether a name is one of these, which are sorted.
func holds(names []string, name string) bool {
	_, ok := slices.BinarySearch(names, name)
	return ok
}

// slip is the setting that a name is meant to be, if it is one letter in four off at most.
func slip(name string, known []string) string {
	best, steps := "", min(maxSlip, len(name)/4)+1
	for _, k := range known {
		if n := editSteps(name, k); n < steps {
			best, steps = k, n
		}
	}
	return best
}
