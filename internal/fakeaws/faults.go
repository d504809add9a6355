package fakeaws

import (
	"net/http"
	"time"
)

// Fault is what goes wrong with a call. Several fields can be set: a call can, for example, be delayed and then
// refused.
type Fault struct {
	Action string // the action of the calls that fail, such as "AssumeRole"; empty for any action
	Skip   int    // how many matching calls succeed before the first call fails
	Times  int    // how many calls fail after that; 0 means 1, and a negative number means all calls until Heal

	Delay time.Duration   // wait this long before processing the call
	Until <-chan struct{} // wait until this channel is closed before processing the call
	Hang  bool            // never respond, and do not process the call
	Late  <-chan struct{} // process the call, then wait until this channel is closed before responding
	Skew  time.Duration   // added to the time of the fake's clock for this call, including its Date header

	Status      int    // refuse the call with this HTTP status; 0 means 400 if Code is set
	Code        string // refuse the call with this error code, such as "InternalFailure"
	Message     string // message of the error with which the call is refused
	Throttle    bool   // refuse the call with "Rate exceeded"
	HTML        bool   // respond with status 200 and a sign-in page, as a captive portal does
	Hangup      bool   // close the connection without processing the call
	AnswerLost  bool   // process the call, then close the connection without a response
	TruncateXML bool   // process the call, then send only the first half of the response
}

// Fail adds a fault. If several faults match a call, the fault that was added first is used.
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

// fault returns the next fault for the action, and counts this use of the fault. If there is no fault, it returns the
// zero Fault, which does nothing.
func (a *AWS) fault(action string) Fault {
	return a.due(func(f *Fault) bool { return f.Action == "" || f.Action == action })
}

// faultNamed is like fault, but ignores faults whose Action is empty. It is used for calls to issuers.
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

// wait makes the call wait as the fault requires. It returns false if the call must end without a response.
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

// waitLate is called after the call has been processed. It waits until the channel f.Late is closed. It returns false
// if the client disconnects or the fake is closed before that.
func (a *AWS) waitLate(f Fault, r *http.Request) bool {
	return f.Late == nil || first(f.Late, r, a.done)
}

// first waits until the channel c is closed or has a value. It returns false if the client disconnects or the fake is
// closed before that.
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

// refusal returns the error with which the fault refuses a call, or nil if the fault does not refuse calls.
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
