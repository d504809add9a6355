package fakecard

// A field is a tag and a value. Smart cards encode fields in BER-TLV.
type field struct {
	tag   int
	value []byte
}

// encode returns a field's encoding.
func encode(tag int, value []byte) []byte {
	var out []byte
	if tag > 0xff {
		out = append(out, byte(tag>>8))
	}
	out = append(out, byte(tag))
	switch n := len(value); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	default:
		out = append(out, 0x82, byte(n>>8), byte(n))
	}
	return append(out, value...)
}

// decode decodes all fields in the slice b. The result ok is false if the last field is cut off.
func decode(b []byte) (all []field, ok bool) {
	for len(b) > 0 {
		var f field
		if f.tag, b, ok = tagOf(b); !ok {
			return nil, false
		}
		var n int
		if n, b, ok = lengthOf(b); !ok || len(b) < n {
			return nil, false
		}
		f.value, b = b[:n], b[n:]
		all = append(all, f)
	}
	return all, true
}

func tagOf(b []byte) (tag int, rest []byte, ok bool) {
	tag, b = int(b[0]), b[1:]
	if tag&0x1f != 0x1f {
		return tag, b, true
	}
	for i := 0; i < len(b) && i < 2; i++ {
		tag = tag<<8 | int(b[i])
		if b[i]&0x80 == 0 {
			return tag, b[i+1:], true
		}
	}
	return 0, nil, false
}

func lengthOf(b []byte) (n int, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	first := int(b[0])
	if b = b[1:]; first < 0x80 {
		return first, b, true
	}
	width := first & 0x7f
	if width == 0 || width > 3 || len(b) < width {
		return 0, nil, false
	}
	for _, x := range b[:width] {
		n = n<<8 | int(x)
	}
	return n, b[width:], true
}

// find returns the value of the first field with the given tag, or nil if no field has the tag.
func find(all []field, tag int) []byte {
	for _, f := range all {
		if f.tag == tag {
			return f.value
		}
	}
	return nil
}

// has reports whether a field has the given tag, even if the field is empty.
func has(all []field, tag int) bool {
	for _, f := range all {
		if f.tag == tag {
			return true
		}
	}
	return false
}
