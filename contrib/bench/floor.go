package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Floors are the programs that aws-vault is held against: what no Go program can be without.
type floors struct {
	nothing string // does nothing
	becomes string // becomes the program that it is given, as exec does
	web     string // likewise, with net/http linked in

	resident string // prints the memory that a program had at most, in kilobytes
}

const emptyGo = "an empty Go program"

func (b *bencher) emptyGo() contender { return process(emptyGo, command(nil, b.nothing)) }

const (
	nothingText = "package main\n\nfunc main() {}\n"

	becomesText = `package main

import (
	"os"
	"syscall"
)

func main() {
	syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
}
`

	webText = `package main

import (
	"net/http"
	"os"
	"syscall"
)

func main() {
	if len(os.Args) > 2 {
		http.Get(os.Args[2])
	}
	syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
}
`

	residentText = `package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
`
)

// buildFloors compiles them.
func (b *bencher) buildFloors() (floors, error) {
	var f floors
	for _, p := range []struct {
		into       *string
		name, text string
	}{
		{&f.nothing, "nothing", nothingText}, {&f.becomes, "becomes", becomesText}, {&f.web, "web", webText}, {&f.resident, "resident", residentText},
	} {
		var err error
		if *p.into, err = b.build(p.name, p.text); err != nil {
			return floors{}, err
		}
	}
	return f, nil
}

// floorTable says what the floors themselves take.
func (b *bencher) floorTable() (string, error) {
	t, err := b.race(b.runs, yes(), b.emptyGo(), process("becomes", command(nil, b.becomes, truePath)), process("web", command(nil, b.web, truePath)))
	if err != nil {
		return "", err
	}
	text := "| floor | time | half of all runs | of `true` |\n|---|---|---|---|\n"
	for _, f := range []struct{ name, what string }{
		{"true", "`true`"}, {emptyGo, emptyGo}, {"becomes", "a Go program that becomes `true`"}, {"web", "likewise, with net/http linked in"},
	} {
		took := t[f.name]
		text += fmt.Sprintf("| %s | %s | %s | %.1f× |\n", f.what, ms(took.median()), took.half(), ratio(took.median(), t["true"].median()))
	}
	os.Stdout.WriteString(text)
	return text, nil
}

// build compiles a program of one file as aws-vault is released: stripped and static.
func (b *bencher) build(name, text string) (string, error) {
	dir := filepath.Join(b.temp, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for file, text := range map[string]string{"main.go": text, "go.mod": "module " + name + "\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	out := filepath.Join(dir, name)
	c := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build of %s: %w: %s", name, err, said)
	}
	return out, nil
}
