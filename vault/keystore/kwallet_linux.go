package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

const (
	kwalletBackend   = "kwallet"
	kwalletInterface = "org.kde.KWallet"
	kwalletName      = "aws-vault" // aws-vault 7 uses this name for the wallet, the program and the folder
)

// kwalletDaemons lists the names of KDE's wallet services, the newest service first.
var kwalletDaemons = []string{"kwalletd6", "kwalletd5"}

// A kwallet is a wallet of KDE.
// https://invent.kde.org/frameworks/kwallet/-/blob/master/src/api/KWallet/org.kde.KWallet.xml
type kwallet struct {
	bus    *sessionBus
	daemon string

	mu     sync.Mutex
	handle int32
	opened bool
}

func (b *sessionBus) openKWallet(ctx context.Context, c Config) (*Keystore, error) {
	if v, _ := c.env("DISABLE_KWALLET"); v == "1" {
		return nil, &UnavailableError{Backend: kwalletBackend, Reason: "DISABLE_KWALLET is set"}
	}
	daemon, err := b.kwalletDaemon(ctx)
	if err != nil {
		return nil, err
	}
	w := &kwallet{bus: b, daemon: daemon}
	if err := w.enabled(ctx); err != nil {
		return nil, err
	}
	privateItems := &kwalletRing{wallet: w, folder: kwalletName + "-private"}
	return &Keystore{
		Name:    kwalletBackend,
		Keys:    &kwalletRing{wallet: w, folder: kwalletName},
		Private: privateRing{ring: privateItems, location: kwalletBackend},
	}, nil
}

// kwalletDaemon returns the first wallet service of kwalletDaemons that runs or can be started.
func (b *sessionBus) kwalletDaemon(ctx context.Context) (string, error) {
	var err error
	for _, daemon := range kwalletDaemons {
		err = b.ensureRunning(ctx, kwalletBackend, "org.kde."+daemon)
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) {
			return daemon, err
		}
	}
	return "", err
}

func (w *kwallet) call(ctx context.Context, method string, args []any, out ...any) error {
	err := w.bus.call(ctx, "org.kde."+w.daemon, "/modules/"+w.daemon, kwalletInterface+"."+method, args, out...)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", kwalletBackend, method, err)
	}
	return nil
}

// enabled returns an *UnavailableError if the user has disabled KDE's wallets.
func (w *kwallet) enabled(ctx context.Context) error {
	var on bool
	if err := w.call(ctx, "isEnabled", nil, &on); err != nil {
		return err
	}
	if !on {
		return &UnavailableError{Backend: kwalletBackend, Reason: "it is disabled in KDE's settings"}
	}
	return nil
}

// open returns the handle of the wallet. KDE may prompt the user for the wallet's password.
func (w *kwallet) open(ctx context.Context) (int32, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened {
		var open bool
		if err := w.call(ctx, "isOpen", []any{w.handle}, &open); err != nil || open {
			return w.handle, err
		}
		w.opened = false // the user closed the wallet
	}
	args := []any{kwalletName, int64(0), kwalletName}
	to, path := "org.kde."+w.daemon, "/modules/"+w.daemon
	if err := w.bus.callWithPrompt(ctx, to, path, kwalletInterface+".open", args, &w.handle); err != nil {
		return 0, fmt.Errorf("%s: open: %w", kwalletBackend, err)
	}
	if w.handle < 0 {
		return 0, &LockedError{Backend: kwalletBackend, Reason: "the wallet was not opened", Dismissed: true}
	}
	w.opened = true
	return w.handle, nil
}

// A kwalletRing is one folder of the wallet.
type kwalletRing struct {
	wallet *kwallet
	folder string
}

// callEntry calls a method on the entry called name. The method's arguments are the entry, the additional values
// (extra), and the program's name.
func (r *kwalletRing) callEntry(ctx context.Context, method, name string, extra []any, out ...any) error {
	handle, err := r.wallet.open(ctx)
	if err != nil {
		return err
	}
	args := slices.Concat([]any{handle, r.folder, name}, extra, []any{kwalletName})
	return r.wallet.call(ctx, method, args, out...)
}

// find returns ErrNotFound if there is no entry called name.
func (r *kwalletRing) find(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	var exists bool
	if err := r.callEntry(ctx, "hasEntry", name, nil, &exists); err != nil {
		return err
	}
	if !exists {
		return ErrNotFound
	}
	return nil
}

func (r *kwalletRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	var data []byte
	if err := r.callEntry(ctx, "readEntry", name, nil, &data); err != nil {
		return Item{}, err
	}
	if len(data) == 0 { // KDE's answer for an entry that does not exist
		return Item{}, ErrNotFound
	}
	it, err := decodePayload(data)
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: kwalletBackend, Err: err}
	}
	it.Name = name
	return it, nil
}

var errWalletRefused = errors.New("the wallet refused the request")

func (r *kwalletRing) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	return r.callForStatus(ctx, "writeEntry", it.Name, []any{encodePayload(it)})
}

func (r *kwalletRing) Remove(ctx context.Context, name string) error {
	if err := r.find(ctx, name); err != nil {
		return err
	}
	return r.callForStatus(ctx, "removeEntry", name, nil)
}

// callForStatus calls a method whose result is 0 on success. It returns an error for any other result.
func (r *kwalletRing) callForStatus(ctx context.Context, method, name string, extra []any) error {
	var code int32
	if err := r.callEntry(ctx, method, name, extra, &code); err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("%s: %s: %w", kwalletBackend, method, errWalletRefused)
	}
	return nil
}

func (r *kwalletRing) Names(ctx context.Context) ([]string, error) {
	handle, err := r.wallet.open(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	if err := r.wallet.call(ctx, "entryList", []any{handle, r.folder, kwalletName}, &names); err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// Stamp returns "" for an item that exists, because KDE stores no write times.
func (r *kwalletRing) Stamp(ctx context.Context, name string) (string, error) {
	return "", r.find(ctx, name)
}

func (r *kwalletRing) Check(ctx context.Context) error {
	_, err := r.wallet.open(ctx)
	return err
}
