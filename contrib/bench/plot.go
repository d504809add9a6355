package main

import (
	"bytes"
	"fmt"
	"time"
)

// The plot's measures, in pixels.
const (
	plotWidth, plotHeight = 720, 400
	plotLeft, plotBottom  = 70, 50
	plotRight, plotTop    = 150, 20
)

var colours = []string{"#0969da", "#1a7f37", "#bf3989"}

// plotted draws lines on linear axes, so that what is linear looks so.
func plotted(lines []line) []byte {
	most, longest := 1, time.Millisecond
	for _, l := range lines {
		for _, p := range l.points {
			most, longest = max(most, p.n), max(longest, p.took)
		}
	}
	x := func(n int) float64 { return plotLeft + float64(n)/float64(most)*(plotWidth-plotLeft-plotRight) }
	y := func(d time.Duration) float64 {
		return plotHeight - plotBottom - float64(d)/float64(longest)*(plotHeight-plotBottom-plotTop)
	}
	var s bytes.Buffer
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	for i := range 5 {
		n, d := most*i/4, longest*time.Duration(i)/4
		fmt.Fprintf(&s, `<path d="M%d %.1fH%d" stroke="#d0d7de"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y(d), plotWidth-plotRight, plotLeft-8, y(d)+4, ms(d))
		fmt.Fprintf(&s, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), plotHeight-plotBottom+20, n)
	}
	fmt.Fprintf(&s, `<text x="%.1f" y="%d" text-anchor="middle">profiles or sessions</text>`+"\n", (x(0)+x(most))/2, plotHeight-8)
	for i, l := range lines {
		fmt.Fprintf(&s, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colours[i%len(colours)])
		for _, p := range l.points {
			fmt.Fprintf(&s, "%.1f,%.1f ", x(p.n), y(p.took))
		}
		last := l.points[len(l.points)-1]
		fmt.Fprintf(&s, `"/><text x="%.1f" y="%.1f" fill="%s">%s, %s</text>`+"\n", x(last.n)+6, y(last.took)+4, colours[i%len(colours)], l.name, l.of)
	}
	s.WriteString("</svg>\n")
	return s.Bytes()
}
