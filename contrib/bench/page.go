package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// parts returns the text to insert at each marker of the page, keyed by the name of the marker.
func parts(all []result, together coldStart, runs, size int) map[string]string {
	return map[string]string{"machine": machine(runs, size), "table": table(all), "cold": together.String()}
}

// table formats all results as a Markdown table.
func table(all []result) string {
	text := "| command | time | middle half of the runs | floor program | ratio | at most | met | calls to AWS |\n|---|---|---|---|---|---|---|---|\n"
	for _, r := range all {
		text += r.cells()
	}
	return text
}

// cells returns a result as one row of the Markdown table.
func (r result) cells() string {
	most, met := "–", "–"
	if r.bound > 0 {
		most, met = fmt.Sprintf("%.1f", r.bound), "yes"
		if r.missed() {
			met = "no"
		}
	}
	return fmt.Sprintf("| %s | %s ms | %s–%s ms | %s ms | %.2f | %s | %s | %.3g |\n",
		r.what, ms(r.ours.median()), ms(r.ours.quartile(1)), ms(r.ours.quartile(3)), ms(r.floor.median()),
		r.ratio(), most, met, float64(r.calls)/float64(len(r.ours)))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }

// machine describes the computer on which the benchmark ran, without details that identify the computer.
func machine(runs, size int) string {
	return fmt.Sprintf("The last run: %d runs of each command, %d cores, %s/%s, %s, a static program of %.1f MB.\n",
		runs, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), float64(size)/1e6)
}

// fillPage inserts the parts into the page. A part called x replaces the text between the markers <!-- x --> and
// <!-- /x -->.
func fillPage(path string, parts map[string]string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(page)
	for name, part := range parts {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		before, rest, ok := strings.Cut(text, begin)
		_, after, ended := strings.Cut(rest, end)
		if !ok || !ended {
			return fmt.Errorf("%s: markers %s and %s not found", path, strings.TrimSpace(begin), end)
		}
		text = before + begin + part + end + after
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
