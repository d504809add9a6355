package fakeaws

import "fmt"

// refusal is an error response from AWS.
type refusal struct {
	status        int
	code, message string
	reason        string // a more specific error code; only aws login has one
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func denied(format string, args ...any) *refusal {
	return refuse(403, "AccessDenied", format, args...)
}

// unauthorized returns AWS's error for a caller that may not perform the action on the resource.
func unauthorized(caller, action, resource string) *refusal {
	return denied("User: %s is not authorized to perform: %s on resource: %s", caller, action, resource)
}

func invalid(format string, args ...any) *refusal {
	return refuse(400, "ValidationError", format, args...)
}
