package fakeaws

import (
	"net/http"
	"time"
)

// Fault is a fault that the fake produces. Its parts add up: a fault can be late, have a wrong clock and refuse.
type Fault struct {
	Action string // the affected action, such as "AssumeRole"; empty for any
	Skip   int    // how many calls succeed first
	Times  int    // how many calls then fail; 0 means 1, and a negative number means all until Heal

	Delay time.Duration   // wait before the call is processed
	Until <-chan struct{} // wait until the channel is closed, before the call is processed
	Hang  bool            // never respond; the call is not processed
	Late  <-chan struct{} // process the call, then wait until the channel is closed, then respond
	Skew  time.Duration   // how far the clock is wrong, in the Date header and when signatures are checked

	Status      int    // refuse with this HTTP status; 0 with a Code means 400
	Code        string // refuse with this code, such as "InternalFailure"
	Message     string // the error message
	Throttle    bool   // refuse with "Rate exceeded"
	HTML        bool   // respond 200 with a sign-in page, as a captive portal does
	Hangup      bool   // close the connection; the call is not processed
	AnswerLost  bool   // process the call, then close the connection
	TruncateXML bool   // process the call, then send only the first half of the response
}

// Fail adds a fault. If several match a call, the one that was added first is used.
func (a *AWS) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &f)
}

// Heal removes all faults.
func (a *AWS) Heal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// fault returns and counts the next fault for action, or the zero Fault, which does nothing.
func (a *AWS) fault(action string) Fault {
	return a.due(func(f *Fault) bool { return f.Action == "" || f.Action == action })
}

// faultNamed is like fault, for the calls of an issuer. Only faults with a matching Action apply.
func (a *AWS) faultNamed(action string) Fault {
	return a.due(func(f *Fault) bool { return f.Action == action })
}

func (a *AWS) due(hits func(*Fault) bool) Fault {
	for _, f := range a.faults {
		if f.Times == 0 || !hits(f) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return *f
	}
	return Fault{}
}

// wait waits as the fault says. It returns false if the call ends without a response.
func (a *AWS) wait(f Fault, r *http.Request) bool {
	var late <-chan time.Time
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		late = timer.C
	}
	for _, wait := range []struct {
		asked bool
		over  func() bool
	}{
		{f.Delay > 0, func() bool { return first(late, r, a.done) }},
		{f.Until != nil, func() bool { return first(f.Until, r, a.done) }},
		{f.Hang, func() bool { return first[struct{}](nil, r, a.done) }},
	} {
		if wait.asked && !wait.over() {
			return false
		}
	}
	return true
}

// waitLate waits after the call was processed, and reports whether the client is still there.
func (a *AWS) waitLate(f Fault, r *http.Request) bool {
	return f.Late == nil || first(f.Late, r, a.done)
}

// first reports whether c was closed before the client disconnected or the fake was closed.
func first[T any](c <-chan T, r *http.Request, done <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-r.Context().Done():
		return false
	case <-done:
		return false
	}
}

// refusal returns the error that the fault responds with, or nil.
func (f Fault) refusal(service string) error {
	switch {
	case f.Throttle && (service == "portal" || service == "oidc"):
		return refuse(429, "TooManyRequestsException", "Rate exceeded")
	case f.Throttle:
		return refuse(400, "Throttling", "Rate exceeded")
	case f.Code == "" && f.Status == 0:
		return nil
	}
	status, code, message := f.Status, f.Code, f.Message
	if status == 0 {
		status = 400
	}
	if code == "" {
		code = "InternalFailure"
	}
	if message == "" {
		message = "The request processing has failed because of an unknown error, exception or failure."
	}
	return refuse(status, code, "%s", message)
}
