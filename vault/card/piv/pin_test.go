package piv

import (
	"context"
	"testing"
)

// A pinCard is a card that reports a fixed state of its PIN and counts the PINs that are entered.
type pinCard struct {
	openCard
	left     int
	verified bool
	pins     int
}

func (c *pinCard) pinState() (int, bool) { return c.left, c.verified }

func (c *pinCard) verify(string) error {
	c.pins++
	return nil
}

// TestUnlock checks when the PIN is entered. A card that does not report the number of tries has no verified PIN.
func TestUnlock(t *testing.T) {
	for _, tt := range []struct {
		name string
		card pinCard
		p    PINPolicy
		want int // number of PINs that are entered
	}{
		{"never", pinCard{left: 3}, PINNever, 0},
		{"once", pinCard{left: 3}, PINOnce, 1},
		{"once, verified", pinCard{left: -1, verified: true}, PINOnce, 0},
		{"once, number of tries unknown", pinCard{left: -1}, PINOnce, 1},
		{"always, verified", pinCard{left: -1, verified: true}, PINAlways, 1},
	} {
		asked := 0
		c := &Cards{PIN: func(_ context.Context, q PINQuestion) (string, error) {
			if asked++; q.TriesLeft != tt.card.left {
				t.Errorf("%s: the prompt shows %d tries, want %d", tt.name, q.TriesLeft, tt.card.left)
			}
			return "123456", nil
		}}
		if err := c.unlock(t.Context(), 7, &tt.card, tt.p); err != nil || tt.card.pins != tt.want || asked != tt.want {
			t.Errorf("%s: %d PINs after %d prompts, error %v, want %d", tt.name, tt.card.pins, asked, err, tt.want)
		}
	}
}
