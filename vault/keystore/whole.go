package keystore

import "context"

// Whole returns a *[DamagedError] for an item that can be seen to be damaged without being
// opened, and nil for one that looks whole or where a keystore cannot tell.
func Whole(ctx context.Context, r Ring, name string) error {
	if w, ok := r.(interface {
		whole(ctx context.Context, name string) error
	}); ok {
		return w.whole(ctx, name)
	}
	return nil
}

// Single returns a *[RepeatedError] if the ring holds several different items under one name. It
// returns nil for a keystore where a name has one item at most.
func Single(ctx context.Context, ring any, name string) error {
	if r, ok := ring.(interface {
		Single(ctx context.Context, name string) error
	}); ok {
		return r.Single(ctx, name)
	}
	return nil
}

func (r *fileRing) whole(ctx context.Context, name string) error {
	token, err := r.read(ctx, name)
	if err != nil {
		return err
	}
	if _, err := parseJWE(token); err != nil {
		return r.damaged(name, err)
	}
	return nil
}
