package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// startHosts are the domains of IAM Identity Center's start URLs, as listed in the AWS CLI.
// https://github.com/aws/aws-cli/blob/v2/awscli/customizations/sso/resolve.py
var startHosts = []string{
	"app.aws", "portal.amazonaws.com", "portal.amazonaws.com.cn", "awsapps.com", "awsapps.cn",
	"identitycenter.amazonaws.com", "identitycenter.amazonaws.com.cn",
}

func isStartHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range startHosts {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}

// startURLTimeout is the timeout for a request to a start URL of the user's organization.
const startURLTimeout = 10 * time.Second

// ResolveStartURL returns the AWS start URL to use for a start URL in the config file. The argument start may be
// an AWS start URL, or a URL of the user's organization that redirects to an AWS start URL. ResolveStartURL
// follows one redirect. It returns an AWS start URL unchanged. It also returns a URL unchanged that does not
// redirect to an AWS start URL, although AWS will then refuse the sign-in. The result region is the region in the
// host name of the redirect's target, or empty.
func (api *Client) ResolveStartURL(ctx context.Context, bundle, start string) (resolved, region string, err error) {
	u, err := url.Parse(start)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || isStartHost(u.Hostname()) {
		return start, "", nil
	}
	limited, cancel := context.WithTimeout(ctx, startURLTimeout)
	defer cancel()
	resp, err := api.roundTrip(limited, http.MethodHead, bundle, start) //nolint:bodyclose // roundTrip closes it
	if err == nil && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented) {
		resp, err = api.roundTrip(limited, http.MethodGet, bundle, start) //nolint:bodyclose // roundTrip closes it
	}
	if err != nil {
		return "", "", fmt.Errorf("resolving the start URL: %w", err)
	}
	to, err := resp.Location()
	if resp.StatusCode/100 != 3 || err != nil || to.Scheme != "https" || !isStartHost(to.Hostname()) {
		api.debug("the start URL does not redirect to an AWS start URL", "at", BaseOf(u), "status", resp.StatusCode)
		return start, "", nil
	}
	to.User, to.RawQuery, to.Fragment, to.RawFragment = nil, "", "", ""
	to.Path, to.RawPath = strings.TrimRight(to.Path, "/"), ""
	api.debug("the start URL redirects to an AWS start URL", "at", BaseOf(u), "to", to.String())
	return to.String(), startURLRegion(to.Hostname()), nil
}

// startURLRegion returns the region in the host name of a start URL, or "".
func startURLRegion(host string) string {
	found := regexp.MustCompile(`(?i)^[^.]+\.(?:portal\.([a-z0-9-]+)\.app\.aws|([a-z0-9-]+)\.portal\.amazonaws\.com(?:\.cn)?)$`).FindStringSubmatch(host)
	if found == nil {
		return ""
	}
	return strings.ToLower(found[1] + found[2])
}
