package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestWithDeviceCode(t *testing.T) {
	other, busy := errors.New("other"), &TemporaryError{errors.New("busy")}
	for _, s := range []struct {
		name   string
		code   DeviceCode
		polls  []error // errors that the polls return, in order; nil at the end means success
		want   error
		waited []time.Duration
	}{
		{"at once", DeviceCode{Lasts: time.Minute, Interval: time.Second}, []error{nil}, nil, []time.Duration{1}},
		{"later", DeviceCode{Lasts: time.Minute, Interval: time.Second}, []error{ErrPending, fmt.Errorf("x: %w", ErrPending), nil}, nil, []time.Duration{1, 1, 1}},
		{"too fast", DeviceCode{Lasts: time.Minute, Interval: time.Second}, []error{ErrSlowDown, ErrPending, ErrSlowDown, nil}, nil, []time.Duration{1, 6, 6, 11}},
		{"no interval", DeviceCode{Lasts: time.Minute}, []error{nil}, nil, []time.Duration{5}},
		{"a long interval", DeviceCode{Lasts: 2 * time.Minute, Interval: time.Hour}, []error{ErrSlowDown, nil}, nil, []time.Duration{60, 60}},
		{"denied", DeviceCode{Lasts: time.Minute, Interval: time.Second}, []error{ErrPending, ErrDenied}, ErrDenied, []time.Duration{1, 1}},
		{"broken", DeviceCode{Lasts: time.Minute, Interval: time.Second}, []error{other}, other, []time.Duration{1}},
		{"expired", DeviceCode{Lasts: 12 * time.Second, Interval: 5 * time.Second}, []error{ErrPending, ErrPending, ErrPending}, ErrTimeout, []time.Duration{5, 5}},
		{"busy", DeviceCode{Lasts: time.Minute, Interval: time.Second}, []error{ErrPending, busy, busy, ErrPending, nil}, nil, []time.Duration{1, 1, 2, 4, 1}},
		{"busy until it expires", DeviceCode{Lasts: 8 * time.Second, Interval: time.Second}, []error{busy, busy, busy}, busy, []time.Duration{1, 2, 4}},
		{"busy too often", DeviceCode{Lasts: 8 * time.Minute, Interval: 40 * time.Second}, []error{busy, busy, nil}, nil, []time.Duration{40, 60, 60}},
		{"expired before it began", DeviceCode{Interval: time.Second}, nil, ErrTimeout, nil},
	} {
		t.Run(s.name, func(t *testing.T) {
			var waited []time.Duration
			got, err := WithDeviceCode(t.Context(), s.code, func(context.Context) (string, error) {
				err := s.polls[0]
				s.polls = s.polls[1:]
				if err != nil {
					return "", err
				}
				return "token", nil
			}, func(_ context.Context, d time.Duration) error {
				waited = append(waited, d/time.Second)
				return nil
			})
			if !errors.Is(err, s.want) || (err == nil) != (got == "token") {
				t.Errorf("got %q, %v, want %v", got, err, s.want)
			}
			if !slices.Equal(waited, s.waited) {
				t.Errorf("waited %d, want %d", waited, s.waited)
			}
		})
	}
}

func TestWithDeviceCodeCanceled(t *testing.T) {
	interrupted := errors.New("interrupted")
	_, err := WithDeviceCode(t.Context(), DeviceCode{Lasts: time.Hour, User: "ABCD-EFGH"}, func(context.Context) (int, error) {
		t.Error("polled after the wait was interrupted")
		return 0, nil
	}, func(context.Context, time.Duration) error { return interrupted })
	if !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
}
