package source

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
)

// PageFetcher returns what fetches the files of an issuer, for [identity.Check]: it trusts a bundle
// of roots or, without one, what the system trusts. A call of it fails with a [*awsapi.TimeoutError]
// or with what the network said.
func PageFetcher(api *awsapi.Client, bundle string) (func(context.Context, string) (identity.Page, error), error) {
	t, err := api.Network.Transport(bundle)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Transport: t, CheckRedirect: awsapi.NoRedirect}
	return func(ctx context.Context, address string) (identity.Page, error) {
		limited, cancel := api.Limit(ctx)
		defer cancel()
		page, err := fetchPage(limited, c, address)
		var sending *url.Error
		switch {
		case err != nil && awsapi.OutOfTime(limited):
			return page, &awsapi.TimeoutError{Action: "publishing", Endpoint: address, After: api.CallTime()}
		case errors.As(err, &sending):
			return page, sending.Err
		}
		return page, err
	}, nil
}

func fetchPage(ctx context.Context, c *http.Client, address string) (identity.Page, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return identity.Page{}, err
	}
	resp, err := c.Do(r)
	if err != nil {
		return identity.Page{}, err
	}
	defer resp.Body.Close()
	page := identity.Page{Status: resp.StatusCode, Type: resp.Header.Get("Content-Type"), Location: resp.Header.Get("Location")}
	page.Body, err = io.ReadAll(io.LimitReader(resp.Body, identity.MaxPage+1))
	return page, err
}
