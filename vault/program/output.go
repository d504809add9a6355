package program

import "bytes"

// Output keeps the beginning of what a program writes, up to Limit bytes. It reads on after that, so
// that the program is not held up.
type Output struct {
	Limit int

	kept bytes.Buffer
	more bool
}

// Write never fails.
func (o *Output) Write(p []byte) (int, error) {
	keep := min(len(p), o.Limit-o.kept.Len())
	o.kept.Write(p[:keep])
	o.more = o.more || keep < len(p)
	return len(p), nil
}

// Bytes returns what was kept.
func (o *Output) Bytes() []byte { return o.kept.Bytes() }

// String returns what was kept.
func (o *Output) String() string { return o.kept.String() }

// Exceeded reports whether the program wrote more than was kept.
func (o *Output) Exceeded() bool { return o.more }
