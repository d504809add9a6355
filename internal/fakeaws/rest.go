package fakeaws

import (
	"net/http"
	"strings"
)

// restOperations maps a method and path to an operation, for the services that use paths. Calls to these operations are
// not signed with access keys.
var restOperations = map[string]struct {
	action string
	operation
}{
	"POST /client/register":       {"RegisterClient", operation{"oidc", true, (*AWS).registerClient}},
	"POST /device_authorization":  {"StartDeviceAuthorization", operation{"oidc", true, (*AWS).startDeviceAuthorization}},
	"POST /token":                 {"CreateToken", operation{"oidc", true, (*AWS).createToken}},
	"GET /authorize":              {"Authorize", operation{"oidc", true, (*AWS).authorizePage}},
	"POST /authorize":             {"Authorize", operation{"oidc", true, (*AWS).authorizePage}},
	"GET /device":                 {"DevicePage", operation{"oidc", true, (*AWS).devicePage}},
	"POST /device":                {"DevicePage", operation{"oidc", true, (*AWS).devicePage}},
	"GET /federation/credentials": {"GetRoleCredentials", operation{"portal", true, (*AWS).roleCredentials}},
	"GET /assignment/accounts":    {"ListAccounts", operation{"portal", true, (*AWS).listAccounts}},
	"GET /assignment/roles":       {"ListAccountRoles", operation{"portal", true, (*AWS).listAccountRoles}},
	"POST /logout":                {"Logout", operation{"portal", true, (*AWS).logout}},
	"GET /v1/authorize":           {"LoginPage", operation{"signin", true, (*AWS).loginPage}},
	"POST /v1/authorize":          {"LoginPage", operation{"signin", true, (*AWS).loginPage}},
	"GET " + confirmationPath:     {"ConfirmationPage", operation{"signin", true, (*AWS).confirmationPage}},
	"POST /v1/token":              {"CreateOAuth2Token", operation{"signin", true, (*AWS).loginToken}},
	"POST /sessions":              {"CreateSession", operation{"rolesanywhere", true, (*AWS).createAnywhereSession}},
	"GET /federation":             {"", operation{"signin", true, (*AWS).consoleSignIn}},
	"POST /federation":            {"", operation{"signin", true, (*AWS).consoleSignIn}},
}

// routeREST returns the operation and the action for the request's method and path. An empty action means that the
// request's parameter Action names the action.
func routeREST(r *http.Request) (operation, string, bool) {
	found, ok := restOperations[r.Method+" "+r.URL.Path]
	return found.operation, found.action, ok
}

// oauthError converts the name of an AWS error into OAuth's name: InvalidGrantException becomes invalid_grant.
func oauthError(code string) string {
	var out strings.Builder
	for i, letter := range strings.TrimSuffix(code, "Exception") {
		if letter >= 'A' && letter <= 'Z' && i > 0 {
			out.WriteByte('_')
		}
		out.WriteRune(letter)
	}
	return strings.ToLower(out.String())
}
