package fakeaws

import (
	"cmp"
	"slices"
	"strconv"
)

const mostResults = 100

// bearer returns the access token that authorizes a call to the portal.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
func (a *AWS) bearer(r *request) (*accessToken, error) {
	t := a.sso.access[r.http.Header.Get("X-Amz-Sso_bearer_token")]
	if t == nil || !r.now.Before(t.expires) {
		return nil, refuse(401, "UnauthorizedException", "Session token not found or invalid")
	}
	return t, nil
}

// roleCredentials implements GetRoleCredentials. Its response has the expiry in milliseconds.
func (a *AWS) roleCredentials(r *request) (any, error) {
	account, name := r.params.Get("account_id"), r.params.Get("role_name")
	if account == "" || name == "" {
		return nil, refuse(400, "InvalidRequestException", "account_id and role_name are required")
	}
	t, err := a.bearer(r)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(t.portal.assigned, func(x assignment) bool { return x.account == account && x.name == name })
	if at < 0 {
		// AWS's API model does not list this error, but the portal returns it.
		return nil, refuse(403, "ForbiddenException", "No access")
	}
	target := a.roles[t.portal.assigned[at].arn]
	s := a.issue(session{kind: roleSession, role: target, name: "alice@example.com"}, r.now, target.MaxSession)
	return map[string]any{"roleCredentials": map[string]any{
		"accessKeyId": s.ID, "secretAccessKey": s.Secret, "sessionToken": s.token, "expiration": s.expires.UnixMilli(),
	}}, nil
}

// listAccounts implements ListAccounts.
func (a *AWS) listAccounts(r *request) (any, error) {
	t, err := a.bearer(r)
	if err != nil {
		return nil, err
	}
	var accounts []map[string]string
	for _, x := range t.portal.assigned {
		entry := map[string]string{"accountId": x.account, "accountName": "example-" + x.account, "emailAddress": x.account + "@example.com"}
		if !slices.ContainsFunc(accounts, func(m map[string]string) bool { return m["accountId"] == x.account }) {
			accounts = append(accounts, entry)
		}
	}
	return pageOf(r, "accountList", "accountId", accounts)
}

// listAccountRoles implements ListAccountRoles. For an account without assignments, the list is empty; AWS does not
// document this case.
func (a *AWS) listAccountRoles(r *request) (any, error) {
	account := r.params.Get("account_id")
	if account == "" {
		return nil, refuse(400, "InvalidRequestException", "account_id is required")
	}
	t, err := a.bearer(r)
	if err != nil {
		return nil, err
	}
	var roles []map[string]string
	for _, x := range t.portal.assigned {
		if x.account == account {
			roles = append(roles, map[string]string{"accountId": account, "roleName": x.name})
		}
	}
	return pageOf(r, "roleList", "roleName", roles)
}

// pageOf returns the page of the list that the parameters max_result and next_token request. It sorts the list by the
// given field.
func pageOf(r *request, name, field string, list []map[string]string) (any, error) {
	slices.SortFunc(list, func(x, y map[string]string) int { return cmp.Compare(x[field], y[field]) })
	size, from := mostResults, 0
	for param, into := range map[string]*int{"max_result": &size, "next_token": &from} {
		text := r.params.Get(param)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > max(mostResults, len(list)) {
			return nil, refuse(400, "InvalidRequestException", "%s is %q", param, text)
		}
		*into = n
	}
	from = min(from, len(list))
	to := min(from+size, len(list))
	out := map[string]any{name: append([]map[string]string{}, list[from:to]...)}
	if to < len(list) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return out, nil
}

// logout implements Logout. It deletes the access token and its refresh token.
func (a *AWS) logout(r *request) (any, error) {
	t, err := a.bearer(r)
	if err != nil {
		return nil, err
	}
	a.sso.revoke(t)
	return nil, nil
}
