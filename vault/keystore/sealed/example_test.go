package sealed_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"aws-vault/vault/keystore/sealed"
)

// Create a store with an opener, and open it again with that opener.
func Example() {
	parent, err := os.MkdirTemp("", "sealed")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	ctx, dir := context.Background(), filepath.Join(parent, "store")

	passphrase := "correct horse battery staple"
	config := sealed.Config{
		Dir: dir,
		// Programs that run as several processes must acquire a shared lock here. A single process needs no lock.
		Lock: func(ctx context.Context) (context.Context, func(), error) { return ctx, func() {}, nil },
		Unlock: func(ctx context.Context, h *sealed.Header) (sealed.MasterKey, error) {
			return h.OpenMasterKey(ctx, dir, sealed.UnlockOptions{
				Passphrase: func(context.Context, sealed.PassphrasePrompt) (string, error) { return passphrase, nil },
			})
		},
	}
	opener := sealed.NewOpener{Opener: sealed.Opener{Name: "mine", Kind: sealed.Passphrase}, Passphrase: passphrase}
	store, err := sealed.Create(ctx, config, nil, opener)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Put(ctx, sealed.Item{Kind: "key", Name: "prod", Data: []byte("the secret")}); err != nil {
		fmt.Println(err)
		return
	}

	again, err := sealed.Open(config) // as another process would
	if err != nil {
		fmt.Println(err)
		return
	}
	item, err := again.Item(ctx, "key", "prod")
	fmt.Printf("%s, %v\n", item.Data, err)

	again, _ = sealed.Open(config)
	passphrase = "wrong"
	_, err = again.Item(ctx, "key", "prod")
	fmt.Println("with another passphrase:", err != nil)
	// Output:
	// the secret, <nil>
	// with another passphrase: true
}
