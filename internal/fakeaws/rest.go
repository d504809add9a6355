package fakeaws

import (
	"net/http"
	"strings"
)

// restOperations are the supported operations of the services that are recognised by their paths. Their calls are not signed.
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

// routeREST finds the operation for a method and path. If the action is empty, it is in the parameters.
func routeREST(r *http.Request) (operation, string, bool) {
	found, ok := restOperations[r.Method+" "+r.URL.Path]
	return found.operation, found.action, ok
}

// oauthError returns OAuth's name of an error: invalid_grant for InvalidGrantException.
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
