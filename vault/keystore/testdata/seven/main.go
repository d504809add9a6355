// Command seven does to a keystore what aws-vault 7 does, with its library and its settings, so
// that tests can hold ours against it. It takes a keystore's name, a verb and an item's name.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/99designs/keyring"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(backend, verb string, names []string) error {
	ring, err := keyring.Open(keyring.Config{
		AllowedBackends:         []keyring.BackendType{keyring.BackendType(backend)},
		ServiceName:             "aws-vault",
		LibSecretCollectionName: "awsvault",
		KWalletAppID:            "aws-vault",
		KWalletFolder:           "aws-vault",
		WinCredPrefix:           "aws-vault",
		PassPrefix:              os.Getenv("AWS_VAULT_PASS_PREFIX"),
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	switch verb {
	case "list":
		keys, err := ring.Keys()
		if err != nil {
			return err
		}
		return out.Encode(keys)
	case "get":
		it, err := ring.Get(names[0])
		if err != nil {
			return err
		}
		return out.Encode(it)
	case "set":
		var it keyring.Item
		if err := json.NewDecoder(os.Stdin).Decode(&it); err != nil {
			return err
		}
		return ring.Set(it)
	}
	return fmt.Errorf("verb %q, want list, get or set", verb)
}
