package main

import (
	"bytes"
	"fmt"
	"time"
)

// The measures of a panel, in pixels.
const (
	panelWidth, panelHeight = 450, 360
	panelLeft, panelRight   = 70, 30
	panelTop, panelBottom   = 100, 50
)

// colours tell the lines of a panel apart.
var colours = []string{"#0969da", "#bf3989"}

// plotted draws panels side by side. The axes are linear, so that what is linear looks so: the dots
// are what was measured, and the line is the one that fits them best.
func plotted(panels []panel) []byte {
	var s bytes.Buffer
	width := panelWidth * len(panels)
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#1f2328">`+"\n", width, panelHeight)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, panelHeight)
	for i, p := range panels {
		fmt.Fprintf(&s, `<g transform="translate(%d 0)">`+"\n", i*panelWidth)
		p.draw(&s)
		s.WriteString("</g>\n")
	}
	s.WriteString("</svg>\n")
	return s.Bytes()
}

func (p panel) draw(s *bytes.Buffer) {
	most, longest := 1, time.Millisecond
	for _, l := range p.lines {
		for _, q := range l.points {
			most, longest = max(most, q.n), max(longest, q.took)
		}
	}
	const right, bottom = panelWidth - panelRight, panelHeight - panelBottom
	perTick := roundStep(float64(longest) / float64(time.Millisecond) / 5)
	top := perTick * float64(time.Millisecond)
	for top < float64(longest) {
		top += perTick * float64(time.Millisecond)
	}
	x := func(n float64) float64 { return panelLeft + n/float64(most)*(right-panelLeft) }
	y := func(d float64) float64 { return bottom - d/top*(bottom-panelTop) }

	fmt.Fprintf(s, `<text x="%d" y="22" font-size="15" font-weight="bold">More and more %ss</text>`+"\n", panelLeft, p.of)
	for at := 0.0; at*float64(time.Millisecond) <= top; at += perTick {
		level := y(at * float64(time.Millisecond))
		fmt.Fprintf(s, `<path d="M%d %.1fH%d" stroke="#d0d7de"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", panelLeft, level, right, panelLeft-8, level+4, at)
	}
	for n, step := 0, int(roundStep(float64(most)/5)); n <= most; n += step {
		fmt.Fprintf(s, `<path d="M%.1f %dv5" stroke="#59636e"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(float64(n)), bottom, x(float64(n)), bottom+19, grouped(n))
	}
	fmt.Fprintf(s, `<text x="%d" y="%d" text-anchor="middle">number of %ss</text>`+"\n", (panelLeft+right)/2, panelHeight-10, p.of)
	fmt.Fprintf(s, `<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">median, in milliseconds</text>`+"\n", (panelTop+bottom)/2)
	for i, l := range p.lines {
		start, each := l.fit()
		colour, row := colours[i%len(colours)], 46+i*20
		fmt.Fprintf(s, `<g fill="%s" stroke="%s"><path d="M%.1f %.1fL%.1f %.1f" stroke-width="2"/>`, colour, colour, x(0), y(start), x(float64(most)), y(start+each*float64(most)))
		for _, q := range l.points {
			fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="3.5" stroke="none"/>`, x(float64(q.n)), y(float64(q.took)))
		}
		fmt.Fprintf(s, `<path d="M%d %dh24" stroke-width="2"/><circle cx="%d" cy="%d" r="3.5" stroke="none"/></g>`, panelLeft, row-4, panelLeft+12, row-4)
		fmt.Fprintf(s, `<text x="%d" y="%d">%s: %s</text>`+"\n", panelLeft+34, row, l.name, l.slope(p.of))
	}
}

// roundStep is the least of 1, 2 and 5 times a power of ten that is not below a step.
func roundStep(least float64) float64 {
	step := 1.0
	for step*10 < least {
		step *= 10
	}
	for _, by := range []float64{1, 2, 5, 10} {
		if step*by >= least {
			return step * by
		}
	}
	return step * 10
}
