package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// The size of the picture and the edges of the plot in pixels, and the number of profiles at the right edge of the
// plot.
const (
	width, height = 640, 360
	left, right   = 60, 600
	top, bottom   = 20, 310
	mostProfiles  = 20_000
)

// drawing returns the plot as an SVG file. The plot shows the median times for each number of profiles. Both axes
// are linear.
func drawing(all []result) []byte {
	lines, longest := map[string][]result{}, time.Duration(1)
	for _, r := range all {
		if r.line != "" {
			lines[r.line] = append(lines[r.line], r)
			longest = max(longest, r.ours.median(), r.floor.median())
		}
	}
	const step = 10 * time.Millisecond
	highest := (longest + step - 1) / step * step
	x := func(profiles int) float64 { return left + float64(profiles)/mostProfiles*(right-left) }
	y := func(d time.Duration) float64 { return bottom - float64(d)/float64(highest)*(bottom-top) }

	var s bytes.Buffer
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#1f2328">`+"\n", width, height)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for d := time.Duration(0); d <= highest; d += step {
		fmt.Fprintf(&s, `<path d="M%d %.1fH%d" stroke="#d0d7de"/><text x="%d" y="%.1f" text-anchor="end">%d ms</text>`+"\n", left, y(d), right, left-8, y(d)+4, d.Milliseconds())
	}
	for n := 0; n <= mostProfiles; n += 5_000 {
		fmt.Fprintf(&s, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), bottom+18, n)
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="middle">profiles in the config file</text>`+"\n", (left+right)/2, height-10)
	draw := func(name, colour string, points []result, of func(result) times) {
		fmt.Fprintf(&s, `<g fill="%s" stroke="%s">`, colour, colour)
		var path []string
		for _, p := range points {
			at := of(p).median()
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(p.profiles), y(at)))
			fmt.Fprintf(&s, `<circle cx="%.1f" cy="%.1f" r="3.5" stroke="none"/>`, x(p.profiles), y(at))
		}
		fmt.Fprintf(&s, `<polyline points="%s" fill="none" stroke-width="2"/>`, strings.Join(path, " "))
		last := points[len(points)-1]
		fmt.Fprintf(&s, `<text x="%.1f" y="%.1f" text-anchor="end" stroke="none">%s</text></g>`+"\n", x(last.profiles), y(of(last).median())-10, name)
	}
	ours := func(r result) times { return r.ours }
	draw("list", "#bf3989", lines["list"], ours)
	draw("exec", "#0969da", lines["exec"], ours)
	draw("floor program", "#59636e", lines["exec"], func(r result) times { return r.floor })
	s.WriteString("</svg>\n")
	return s.Bytes()
}
