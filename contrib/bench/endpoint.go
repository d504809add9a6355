package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a server of ours may take at most beside a handler of net/http that does nothing.
const (
	leastRate = 0.7 // of its requests a second
	mostTail  = 1.5 // of the time in which it answers 99 in 100
	roundTime = "2s"
)

// endpoint holds the endpoint for containers, with credentials that are there, against a bare handler, with
// 64 connections each and in turn.
func (b *bencher) endpoint() (figure, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return notMeasured("wrk"), nil
	}
	h, err := b.newHome("[profile alice]\n")
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	if err := h.key("alice"); err != nil {
		return figure{}, err
	}
	url, token, stop, err := h.serve()
	if err != nil {
		return figure{}, err
	}
	defer stop()
	bare, shut, err := bareHandler()
	if err != nil {
		return figure{}, err
	}
	defer shut()
	var all []pair
	for range rounds {
		var p pair
		if p.theirs, err = b.wrk(bare, token); err == nil {
			p.ours, err = b.wrk(url, token)
		}
		if err != nil {
			return figure{}, err
		}
		all = append(all, p)
	}
	rate, tail := middle(all, func(p pair) float64 { return p.ours.rate / p.theirs.rate }), middle(all, func(p pair) float64 { return ratio(p.ours.tail, p.theirs.tail) })
	return figure{
		here: fmt.Sprintf("%.0f a second (%.2f×), 99 in 100 within %s (%.2f×)",
			middle(all, func(p pair) float64 { return p.ours.rate }), rate,
			ms(time.Duration(middle(all, func(p pair) float64 { return float64(p.ours.tail) }))), tail),
		met: rate >= leastRate && tail <= mostTail,
	}, nil
}

// A pair is one round of both, one right after the other: what else the machine does befalls
// them alike.
type pair struct{ ours, theirs load }

// middle is the median of a figure.
func middle(all []pair, figure func(pair) float64) float64 {
	var figures []float64
	for _, p := range all {
		figures = append(figures, figure(p))
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// serve starts a command with an endpoint of its own, and says where that is.
func (h *home) serve() (url, token string, stop func(), err error) {
	c := h.command("exec", "--ecs-server", "alice", "--", "sh", "-c", "printenv AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN; cat")
	stdin, err := c.StdinPipe()
	if err != nil {
		return "", "", nil, err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return "", "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", "", nil, err
	}
	stop = func() {
		stdin.Close() // which ends cat, and so everything
		c.Wait()
	}
	lines := bufio.NewScanner(stdout)
	for _, into := range []*string{&url, &token} {
		if !lines.Scan() {
			stop()
			return "", "", nil, fmt.Errorf("exec --ecs-server ended early")
		}
		*into = lines.Text()
	}
	return url + "/", token, stop, nil
}

// bareHandler answers with as many bytes as the endpoint does.
func bareHandler() (url string, shut func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	const size = 420
	text := []byte(strings.Repeat("x", size))
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })}
	go s.Serve(l)
	return "http://" + l.Addr().String() + "/", func() { s.Close() }, nil
}

// A load is what came of one round.
type load struct {
	rate float64
	tail time.Duration
}

func (b *bencher) wrk(url, token string) (load, error) {
	out, err := exec.CommandContext(b.ctx, "wrk", "-t2", "-c64", "-d"+roundTime, "--latency", "-H", "Authorization: "+token, url).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	return readWrk(string(out))
}

// readWrk reads what wrk says. An answer that is an error counts as one.
func readWrk(out string) (load, error) {
	tail := regexp.MustCompile(`(?m)^ +99% +([0-9.]+[mu]?s)$`).FindStringSubmatch(out)
	rate := regexp.MustCompile(`(?m)^Requests/sec: +([0-9.]+)$`).FindStringSubmatch(out)
	if tail == nil || rate == nil || strings.Contains(out, "Non-2xx") || strings.Contains(out, "Socket errors") {
		return load{}, fmt.Errorf("wrk says %q", out)
	}
	d, err := time.ParseDuration(tail[1])
	if err != nil {
		return load{}, err
	}
	r, err := strconv.ParseFloat(rate[1], 64)
	return load{r, d}, err
}
