package fakecard

import "bytes"

const (
	objectAttestation = 0x5fff01
	objectDiscovery   = 0x7e
	maxObject         = 3063 // maximum size of an object in bytes, as on a YubiKey
)

// needsPIN reports whether an object can be read only after the PIN was verified. These objects are printed
// information, fingerprints, a face image and iris images.
func needsPIN(object int) bool {
	switch object {
	case 0x5fc109, 0x5fc103, 0x5fc108, 0x5fc121:
		return true
	}
	return false
}

func objectOf(tag []byte) int {
	id := 0
	for _, b := range tag {
		id = id<<8 | int(b)
	}
	return id
}

func (p *pivApplet) get(c command) ([]byte, status) {
	args, ok := decode(c.data)
	switch {
	case c.p1 != 0x3f || c.p2 != 0xff:
		return nil, wrongParameters
	case !ok || len(find(args, 0x5c)) == 0 || len(find(args, 0x5c)) > 3:
		return nil, wrongData
	}
	id := objectOf(find(args, 0x5c))
	if id == objectDiscovery {
		return encode(objectDiscovery, append(encode(0x4f, p.aid()), 0x5f, 0x2f, 2, 0x40, 0)), done
	}
	if needsPIN(id) && !p.pinVerified {
		return nil, notAllowed
	}
	value, ok := p.objects[id]
	if !ok {
		return nil, notFound
	}
	return encode(0x53, value), done
}

func (p *pivApplet) put(c command) status {
	if !p.management.proved {
		return notAllowed
	}
	args, ok := decode(c.data)
	if !ok || len(find(args, 0x5c)) == 0 || len(find(args, 0x5c)) > 3 || !has(args, 0x53) {
		return wrongData
	}
	id, value := objectOf(find(args, 0x5c)), find(args, 0x53)
	switch {
	case len(value) > maxObject:
		return noSpace
	case len(value) == 0:
		delete(p.objects, id)
	default:
		p.objects[id] = bytes.Clone(value)
	}
	return done
}
