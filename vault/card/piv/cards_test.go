//go:build piv && (cgo || linux) && !windows

package piv

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"aws-vault/internal/fakecard"
)

// generate generates a key. If the request r does not specify them, the algorithm is P-256, the PIN is required
// once, and each use requires a touch.
func generate(t *testing.T, c *Cards, at Location, r KeyRequest) GeneratedKey {
	t.Helper()
	if r.Algorithm == 0 {
		r.Algorithm = P256
	}
	if r.PIN == 0 {
		r.PIN = PINOnce
	}
	if r.Touch == 0 {
		r.Touch = TouchAlways
	}
	m, err := c.Generate(t.Context(), at, r)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func signs(t *testing.T, k *Key) error {
	t.Helper()
	sum := sha256.Sum256([]byte("message"))
	sig, err := k.Sign(nil, sum[:], crypto.SHA256)
	if err == nil && !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), sum[:], sig) {
		t.Error("the signature does not verify")
	}
	return err
}

func TestNoCard(t *testing.T) {
	p := fakeUser{}
	if _, _, err := p.cards().Key(t.Context(), Location{0, Signature}); !errors.Is(err, ErrNoCard) {
		t.Errorf("without a card: %v, want ErrNoCard", err)
	}
	if all, err := p.cards().List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("List without a card: %v, %v", all, err)
	}
}

// TestUnreadableCard checks that the error names the reader and the reason if the only card cannot be read, and
// that such a card does not matter if there is another card.
func TestUnreadableCard(t *testing.T) {
	vc, name := insert(t, fakecard.Options{Serial: 5})
	vc.SetResponse("serial", []byte{1})
	p := fakeUser{}
	for _, serial := range []uint32{0, 5} {
		_, _, err := p.cards().Key(t.Context(), Location{serial, Signature})
		var unreadable *UnreadableError
		if !errors.As(err, &unreadable) || unreadable.Reader != name || unreadable.Err == nil || !errors.Is(err, ErrNoCard) {
			t.Errorf("card %d: %v, want an *UnreadableError for %s", serial, err, name)
		}
	}
	insert(t, fakecard.Options{Serial: 6})
	var empty *EmptySlotError
	if _, _, err := p.cards().Key(t.Context(), Location{0, Signature}); !errors.As(err, &empty) || empty.Location.Serial != 6 {
		t.Errorf("with a second card: %v, want the empty slot of card 6", err)
	}
	var other *NoCardError
	if _, _, err := p.cards().Key(t.Context(), Location{5, Signature}); !errors.As(err, &other) {
		t.Errorf("the unreadable card among two: %v, want a *NoCardError", err)
	}
}

func TestList(t *testing.T) {
	insert(t, fakecard.Options{Serial: 1001})
	_, held := insert(t, fakecard.Options{Serial: 1002, Version: [3]byte{4, 3, 5}})
	release, ok := service.OpenExclusive(held)
	if !ok {
		t.Fatal("cannot open the card exclusively")
	}
	defer release()
	p := fakeUser{}
	all, err := p.cards().List(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("List: %v, %v", all, err)
	}
	if i := all[0]; i.Serial != 1001 || i.Version != "5.7.1" || i.TriesLeft != 3 || !i.DefaultManagementKey || i.Err != nil {
		t.Errorf("new card: %+v", i)
	}
	var e *InUseError
	if i := all[1]; i.Reader != held || !errors.As(i.Err, &e) || e.Program != "scdaemon" || e.Reader != held {
		t.Errorf("card in use: %+v", i)
	}
	if p.sleeps != 0 {
		t.Errorf("List waited %d times for a card in use", p.sleeps)
	}
}

func TestSeveralCards(t *testing.T) {
	insert(t, fakecard.Options{Serial: 1001})
	insert(t, fakecard.Options{Serial: 1002})
	p := fakeUser{}
	c := p.cards()
	var several *SeveralCardsError
	if _, _, err := c.Key(t.Context(), Location{0, Signature}); !errors.As(err, &several) || !slices.Equal(several.Serials, []uint32{1001, 1002}) {
		t.Errorf("two cards and no serial number: %v", err)
	}
	var none *NoCardError
	if _, _, err := c.Key(t.Context(), Location{7, Signature}); !errors.As(err, &none) || !errors.Is(err, ErrNoCard) || len(none.Others) != 2 {
		t.Errorf("serial number of a missing card: %v", err)
	}
	var empty *EmptySlotError
	if _, _, err := c.Key(t.Context(), Location{1002, Signature}); !errors.As(err, &empty) || empty.Location != (Location{1002, Signature}) {
		t.Errorf("empty slot: %v", err)
	}
}

// TestKnownKeyAmongSeveralCards inserts two cards and signs with a known key. The test checks that the key is
// found on its card, and that the other card is not used.
func TestKnownKeyAmongSeveralCards(t *testing.T) {
	one, _ := insert(t, fakecard.Options{Serial: 1001})
	two, reader := insert(t, fakecard.Options{Serial: 1002})
	p := fakeUser{}
	c := p.cards()
	generate(t, c, Location{1001, Signature}, KeyRequest{})
	public := generate(t, c, Location{1002, Signature}, KeyRequest{}).Key.Public()
	before, questions := one.Usage(), len(p.questions)
	if err := signs(t, c.KnownKey(t.Context(), Location{0, Signature}, public)); err != nil {
		t.Errorf("two cards, the second has the key: %v", err)
	}
	if after := one.Usage(); after.Signed != before.Signed || after.Touches != before.Touches || two.Usage().Signed != 1 {
		t.Errorf("the other card was used: %+v before, %+v after", before, after)
	}
	if asked := p.questions[questions:]; len(asked) != 1 || asked[0].Serial != 1002 {
		t.Errorf("PIN prompts: %v, want only the PIN of 1002", asked)
	}
	release, ok := service.OpenExclusive(reader)
	if !ok {
		t.Fatal("cannot open the card exclusively")
	}
	var held *InUseError
	if err := signs(t, c.KnownKey(t.Context(), Location{0, Signature}, public)); !errors.As(err, &held) {
		t.Errorf("the key's card is in use: %v, want an InUseError", err)
	}
	release()
	var none *KeyNotFoundError
	if err := signs(t, c.KnownKey(t.Context(), Location{0, Authentication}, public)); !errors.As(err, &none) || !slices.Equal(none.Serials, []uint32{1001, 1002}) {
		t.Errorf("no card has the key in that slot: %v", err)
	}
}

func TestSign(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{Serial: 1001})
	p := fakeUser{}
	m := generate(t, p.cards(), Location{0, Signature}, KeyRequest{PIN: PINAlways})
	if !m.DefaultManagementKey || m.Info.PIN != PINAlways || m.Info.Touch != TouchAlways || !m.Info.Generated || m.Key.Location() != (Location{1001, Signature}) {
		t.Errorf("generated key: %+v", m)
	}
	for range 2 {
		if err := signs(t, m.Key); err != nil {
			t.Fatal(err)
		}
	}
	asked := vc.Usage()
	if asked.PINs != 2 || asked.Touches != 2 || asked.Signed != 2 || len(p.touches) != 2 || len(p.questions) != 2 {
		t.Errorf("usage %+v; %d touches reported, %d PIN prompts", asked, len(p.touches), len(p.questions))
	}
	if p.touches[0] != (Touch{Location: Location{1001, Signature}}) || p.questions[0] != (PINQuestion{Serial: 1001, TriesLeft: 3}) {
		t.Errorf("reported touch %+v, PIN prompt %+v", p.touches[0], p.questions[0])
	}
	if service.Open() != 0 {
		t.Error("the card was left open")
	}
}

func TestPINOnce(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{}
	k := generate(t, p.cards(), Location{0, 0x82}, KeyRequest{Touch: TouchNever}).Key
	for range 3 {
		if err := signs(t, k); err != nil {
			t.Fatal(err)
		}
	}
	if n := vc.Usage().PINs; n != 1 || len(p.touches) != 0 {
		t.Errorf("%d PINs and %d touches for three signatures, want 1 and 0", n, len(p.touches))
	}
}

func TestDigestLength(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{}
	k := generate(t, p.cards(), Location{0, Signature}, KeyRequest{PIN: PINNever, Touch: TouchNever}).Key
	long := sha512.Sum512(nil)
	var e *DigestError
	if _, err := k.Sign(nil, long[:], crypto.SHA512); !errors.As(err, &e) || e.Length != 64 || e.Expected != 32 {
		t.Errorf("digest that the card would truncate: %v", err)
	}
	if _, err := k.Sign(nil, []byte("message"), crypto.SHA256); !errors.As(err, &e) {
		t.Errorf("message instead of a digest: %v", err)
	}
	if n := vc.Usage().Signed; n != 0 {
		t.Errorf("the card signed %d times", n)
	}
}

func TestAlgorithms(t *testing.T) {
	insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	policy := KeyRequest{PIN: PINNever, Touch: TouchNever}
	sum, sum384 := sha256.Sum256(nil), sha512.Sum384(nil)

	policy.Algorithm = P384
	m := generate(t, c, Location{0, 0x83}, policy)
	if sig, err := m.Key.Sign(nil, sum384[:], crypto.SHA384); err != nil || !ecdsa.VerifyASN1(m.Key.Public().(*ecdsa.PublicKey), sum384[:], sig) {
		t.Errorf("P-384: %v", err)
	}
	policy.Algorithm = RSA2048
	m = generate(t, c, Location{0, 0x84}, policy)
	sig, err := m.Key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil || rsa.VerifyPKCS1v15(m.Key.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], sig) != nil {
		t.Errorf("RSA: %v", err)
	}
	if m.Info.Algorithm != RSA2048 || m.Key.PublicKey() != nil || m.Key.Curve() != nil {
		t.Errorf("RSA: %+v", m.Info)
	}
	for i, a := range []Algorithm{P256, P384, X25519} {
		policy.Algorithm = a
		m = generate(t, c, Location{0, 0x85 + Slot(i)}, policy)
		var _ ecdh.KeyExchanger = m.Key
		peer, err := m.Key.Curve().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := m.Key.ECDH(peer.PublicKey())
		theirs, err2 := peer.ECDH(m.Key.PublicKey())
		if err != nil || err2 != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: exchange: %v, %v", a, err, err2)
		}
	}
	if peer, err := ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	} else if _, err := m.Key.ECDH(peer.PublicKey()); err == nil {
		t.Error("a key exchange between two curves succeeded")
	}
	keys, err := c.Keys(t.Context(), 0)
	if err != nil || len(keys) != 5 || keys[0].Slot != 0x83 || keys[4].Algorithm != X25519 {
		t.Errorf("Keys: %+v, %v", keys, err)
	}
}

func TestWrongPIN(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{pins: []string{"111111", "222222", "123456"}}
	k := generate(t, p.cards(), Location{0, Signature}, KeyRequest{Touch: TouchNever}).Key
	if err := signs(t, k); err != nil {
		t.Fatal(err)
	}
	want := []PINQuestion{{12345678, 3, false}, {12345678, 2, true}, {12345678, 1, true}}
	if !slices.Equal(p.questions, want) {
		t.Errorf("PIN prompts %+v, want %+v", p.questions, want)
	}

	vc.Reset()
	p.pins = []string{"111111"}
	var wrong *WrongPINError
	before := vc.Usage().Wrong
	if err := signs(t, k); !errors.As(err, &wrong) || wrong.TriesLeft != 2 {
		t.Errorf("same wrong PIN again: %v", err)
	}
	if n := vc.Usage().Wrong - before; n != 1 {
		t.Errorf("repeating a wrong PIN used up %d tries, want 1", n)
	}
	p.pins = []string{"123456789"}
	var format *PINFormatError
	if err := signs(t, k); !errors.As(err, &format) || vc.Usage().Wrong != before+1 {
		t.Errorf("PIN that is too long: %v", err)
	}
	p.pins = []string{"222222", "333333", "444444"}
	var blocked *BlockedError
	if err := signs(t, k); !errors.As(err, &blocked) {
		t.Errorf("last try: %v", err)
	}
	asked := len(p.questions)
	if err := signs(t, k); !errors.As(err, &blocked) || len(p.questions) != asked {
		t.Errorf("blocked card: %v, and %d PIN prompts", err, len(p.questions)-asked)
	}
}

func TestNotTouched(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{}
	k := generate(t, p.cards(), Location{0, Signature}, KeyRequest{}).Key
	vc.MissTouch(1)
	var e *NotTouchedError
	if err := signs(t, k); !errors.As(err, &e) || e.Location.Slot != Signature {
		t.Errorf("missed touch: %v", err)
	}
	if err := signs(t, k); err != nil {
		t.Errorf("signature after a missed touch: %v", err)
	}
}

func TestCardInUse(t *testing.T) {
	_, reader := insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	k := generate(t, c, Location{0, Signature}, KeyRequest{Touch: TouchNever}).Key
	release, ok := service.OpenExclusive(reader)
	if !ok {
		t.Fatal("cannot open the card exclusively")
	}
	var e *InUseError
	if err := signs(t, k); !errors.As(err, &e) || e.Program != "scdaemon" || p.sleeps != len(backoff) {
		t.Errorf("card in use: %v after %d waits, want %d", err, p.sleeps, len(backoff))
	}
	c.Sleep = func(context.Context, time.Duration) error { // the other program releases the card during a wait
		if p.sleeps++; p.sleeps == len(backoff)+2 {
			release()
		}
		return nil
	}
	if err := signs(t, k); err != nil || p.sleeps != len(backoff)+2 {
		t.Errorf("card released: %v after %d more waits", err, p.sleeps-len(backoff))
	}
}

func TestCardRemoved(t *testing.T) {
	vc, reader := insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	k := generate(t, c, Location{0, Signature}, KeyRequest{}).Key
	for _, at := range []string{"metadata", "verify", "sign"} {
		vc.PullAt(at)
		var e *RemovedError
		if err := signs(t, k); !errors.As(err, &e) || e.Reader != reader {
			t.Errorf("card removed at %s: %v", at, err)
		}
		service.Insert(reader, vc)
	}
	vc.OnTouch(func(ctx context.Context, _ string) bool {
		service.Pull(reader)
		<-ctx.Done()
		return false
	})
	var e *RemovedError
	if err := signs(t, k); !errors.As(err, &e) {
		t.Errorf("card removed while it waits for a touch: %v", err)
	}
	if service.Open() != 0 {
		t.Error("a removed card was left open")
	}
}

func TestCancelled(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	made := generate(t, c, Location{0, Signature}, KeyRequest{})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	vc.OnTouch(func(context.Context, string) bool {
		cancel()
		<-gone
		return false
	})
	if err := signs(t, c.KnownKey(ctx, made.Key.Location(), made.Key.Public())); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while the card waits for a touch: %v", err)
	}
	if service.Open() != 1 {
		t.Error("the card was closed while it was busy")
	}
	close(gone)
	service.Idle()
}

func TestCancelledPINPrompt(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	made := generate(t, c, Location{0, Signature}, KeyRequest{})
	ctx, cancel := context.WithCancel(t.Context())
	asked := c.PIN
	c.PIN = func(ctx context.Context, q PINQuestion) (string, error) {
		cancel()
		return asked(ctx, q)
	}
	if err := signs(t, c.KnownKey(ctx, made.Key.Location(), made.Key.Public())); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled during the PIN prompt: %v", err)
	}
	service.Idle()
	if n := vc.Usage().PINs; n != 0 {
		t.Errorf("%d PINs were tried after the cancellation", n)
	}
}

func TestWrongKey(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	old := generate(t, c, Location{0, Signature}, KeyRequest{}).Key
	generate(t, c, Location{0, Signature}, KeyRequest{Replace: "9c"})
	var e *WrongKeyError
	if err := signs(t, old); !errors.As(err, &e) {
		t.Errorf("replaced key: %v", err)
	}
	if a := vc.Usage(); a.PINs != 0 || a.Touches != 0 {
		t.Errorf("the wrong key was used: %+v", a)
	}
}

func TestOccupied(t *testing.T) {
	insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	old := generate(t, c, Location{0, Signature}, KeyRequest{}).Key
	for _, typed := range []string{"", "9a", "yes"} {
		_, err := c.Generate(t.Context(), Location{0, Signature}, KeyRequest{Algorithm: P256, PIN: PINOnce, Touch: TouchNever, Replace: typed})
		var e *OccupiedError
		if !errors.As(err, &e) || !samePublicKey(e.Key.Public, old.Public()) {
			t.Errorf("occupied slot with Replace = %q: %v", typed, err)
		}
	}
	if k, _, err := c.Key(t.Context(), Location{0, Signature}); err != nil || !samePublicKey(k.Public(), old.Public()) {
		t.Errorf("the key was overwritten: %v", err)
	}
	if at, err := c.FreeSlot(t.Context(), 0); err != nil || at != (Location{12345678, 0x82}) {
		t.Errorf("first free slot: %v, %v", at, err)
	}
	generate(t, c, Location{0, 0x82}, KeyRequest{})
	if at, err := c.FreeSlot(t.Context(), 0); err != nil || at.Slot != 0x83 {
		t.Errorf("next free slot: %v, %v", at, err)
	}
	_, err := c.Generate(t.Context(), Location{0, 0x84}, KeyRequest{})
	if err == nil {
		t.Error("a key without an algorithm was generated")
	}
}

func TestCertificate(t *testing.T) {
	insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	at := Location{0, Signature}
	k := generate(t, c, at, KeyRequest{Touch: TouchNever}).Key
	var empty *EmptySlotError
	if _, err := c.Certificate(t.Context(), at); !errors.As(err, &empty) {
		t.Errorf("no certificate: %v", err)
	}
	der, err := k.CertificateRequest(pkix.Name{CommonName: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil || request.CheckSignature() != nil || request.Subject.CommonName != "alice" {
		t.Errorf("request: %v", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, k.Public(), k); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetCertificate(t.Context(), at, cert); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Certificate(t.Context(), at); err != nil || !got.Equal(cert) {
		t.Errorf("the stored certificate is %v, %v", got, err)
	}
	generate(t, c, at, KeyRequest{Replace: "9c"})
	var other *WrongKeyError
	if err := c.SetCertificate(t.Context(), at, cert); !errors.As(err, &other) {
		t.Errorf("certificate of another key: %v", err)
	}
}

func TestAttest(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{Serial: 4711})
	p := fakeUser{}
	c := p.cards()
	at := Location{0, 0x82}
	k := generate(t, c, at, KeyRequest{}).Key
	proof, err := c.Attest(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(vc.Root())
	a, err := proof.Verify(roots)
	if err != nil || a != (AttestedKey{Location{4711, 0x82}, "5.7.1", PINOnce, TouchAlways}) || !samePublicKey(proof.Slot.PublicKey, k.Public()) {
		t.Errorf("attestation: %+v, %v", a, err)
	}
	if _, err := proof.Verify(nil); err == nil {
		t.Error("an attestation without Yubico's root was accepted as Yubico's")
	}
	if _, err := (Attestation{Device: proof.Device}).Verify(roots); err == nil {
		t.Error("an incomplete attestation was accepted")
	}
	if _, err := (Attestation{Device: proof.Slot, Slot: proof.Device}).Verify(roots); err == nil {
		t.Error("an attestation with swapped certificates was accepted")
	}
	var empty *EmptySlotError
	if _, err := c.Attest(t.Context(), Location{0, 0x83}); !errors.As(err, &empty) {
		t.Errorf("empty slot: %v", err)
	}
}

func TestOldFirmware(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{Serial: 9, Version: [3]byte{4, 3, 5}})
	p := fakeUser{}
	c := p.cards()
	at := Location{9, Signature}
	var e *OccupiedError
	if _, err := c.Generate(t.Context(), at, KeyRequest{Algorithm: P256, PIN: PINOnce, Touch: TouchAlways}); !errors.As(err, &e) || e.Key.Public != nil {
		t.Errorf("slot with unknown content: %v", err)
	}
	m := generate(t, c, at, KeyRequest{Replace: "9c"})
	if err := signs(t, m.Key); err != nil {
		t.Error(err)
	}
	if m.Info.Touch != TouchAlways || len(p.touches) != 1 || vc.Usage().PINs != 1 {
		t.Errorf("policies of an old card: %+v", m.Info)
	}
	if keys, err := c.Keys(t.Context(), 9); err != nil || len(keys) != 1 {
		t.Errorf("Keys: %v, %v", keys, err)
	}
}
