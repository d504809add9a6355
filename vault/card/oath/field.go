package oath

// A field is what the applet says and is told: a tag, a length of one byte, a value.
type field struct {
	tag   byte
	value []byte
}

// parse reads fields, and reports whether they end where the text does.
func parse(text []byte) (fields []field, whole bool) {
	for len(text) >= 2 && len(text) >= 2+int(text[1]) {
		n := 2 + int(text[1])
		fields = append(fields, field{text[0], text[2:n:n]})
		text = text[n:]
	}
	return fields, len(text) == 0
}

// join writes fields.
func join(fields ...field) []byte {
	var text []byte
	for _, f := range fields {
		text = append(append(text, f.tag, byte(len(f.value))), f.value...)
	}
	return text
}
