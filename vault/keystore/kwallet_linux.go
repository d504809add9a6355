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
	kwalletName      = "aws-vault" // the wallet, the program and the folder all have aws-vault 7's name
)

// kwalletDaemons are the names that KDE's wallet has on the bus, by KDE's generation.
var kwalletDaemons = []string{"kwalletd6", "kwalletd5"}

// kwallet is an open wallet.
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

// kwalletDaemon is the first of KDE's wallets that runs here.
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

// enabled returns an *UnavailableError if the user has turned the wallets off.
func (w *kwallet) enabled(ctx context.Context) error {
	var on bool
	if err := w.call(ctx, "isEnabled", nil, &on); err != nil {
		return err
	}
	if !on {
		return &UnavailableError{Backend: kwalletBackend, Reason: "it is turned off in KDE's settings"}
	}
	return nil
}

// open returns the wallet's handle. The first call may ask the user for the wallet's password.
func (w *kwallet) open(ctx context.Context) (int32, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened {
		var open bool
		if err := w.call(ctx, "isOpen", []any{w.handle}, &open); err != nil || open {
			return w.handle, err
		}
		w.opened = false // the user has closed it
	}
	args := []any{kwalletName, int64(0), kwalletName}
	to, path := "org.kde."+w.daemon, "/modules/"+w.daemon
	if err := w.bus.callWithPrompt(ctx, to, path, kwalletInterface+".open", args, &w.handle); err != nil {
		return 0, fmt.Errorf("%s: open: %w", kwalletBackend, err)
	}
	if w.handle < 0 {
		return 0, &LockedError{Backend: kwalletBackend, Reason: "the wallet was not opened"}
	}
	w.opened = true
	return w.handle, nil
}

// kwalletRing is one folder of the wallet.
type kwalletRing struct {
	wallet *kwallet
	folder string
}

// callEntry calls a method that takes an entry, with more arguments before the last.
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
	if len(data) == 0 { // what KDE answers for an entry that is not there
		return Item{}, ErrNotFound
	}
	it, err := decodePayload(data)
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: kwalletBackend, Err: err}
	}
	it.Name = name
	return it, nil
}

var errWalletRefused = errors.New("the wallet refused it")

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

// callForStatus calls a method that answers 0 if it did what it was asked.
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

// Stamp tells only whether there is an item: KDE keeps no time of writing.
func (r *kwalletRing) Stamp(ctx context.Context, name string) (string, error) {
	return "", r.find(ctx, name)
}

func (r *kwalletRing) Check(ctx context.Context) error {
	_, err := r.wallet.open(ctx)
	return err
}
