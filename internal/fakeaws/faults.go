package fakeaws

import (
	"net/http"
	"time"
)

// Fault is a way to misbehave. Its parts add up: a fault may be late, skewed and refuse.
type Fault struct {
	Action string // the calls it hits, such as "AssumeRole"; empty for any
	Skip   int    // how many of them pass first
	Times  int    // how many it then hits; 0 counts as 1, a negative number goes on until Heal

	Delay time.Duration   // wait before anything is done
	Until <-chan struct{} // wait until it is closed
	Hang  bool            // never answer; the work is not done
	Late  <-chan struct{} // do the work, wait until it is closed, then answer
	Skew  time.Duration   // how far the clock is off, in the Date header and where signatures are checked

	Status      int    // refuse with this HTTP status; 0 goes with Code as 400
	Code        string // refuse with this code, such as "InternalFailure"
	Message     string // its text
	Throttle    bool   // refuse with "Rate exceeded"
	HTML        bool   // answer 200 with a sign-in page, as a captive portal does
	Hangup      bool   // close the connection; the work is not done
	AnswerLost  bool   // do the work, then close the connection
	TruncateXML bool   // do the work, send the first half of the answer
}

// Fail adds a fault. Of several that fit a call, the one added first is used.
func (a *AWS) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &f)
}

// Heal takes all faults back.
func (a *AWS) Heal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// fault takes the fault that is due for action; the zero Fault does nothing.
func (a *AWS) fault(action string) Fault {
	return a.due(func(f *Fault) bool { return f.Action == "" || f.Action == action })
}

// faultNamed is fault for calls of an issuer's, which only a fault that names them hits.
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

// wait spends the time that the fault asks for; false means that the call is over, without an answer.
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

// late waits after the work, and reports whether somebody still waits for the answer.
func (a *AWS) late(f Fault, r *http.Request) bool { return f.Late == nil || first(f.Late, r, a.done) }

// first says whether c came before the client left or the fake closed.
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

// refusal is the error that the fault answers with, nil for none.
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
