package keystore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// fakeSecrets simulates a Secret Service on a fake bus. It can be locked, show prompts and reject calls.
type fakeSecrets struct {
	*fakeBus
	plainOnly    bool
	dismiss      bool // whether the user dismisses each prompt
	hideLocked   bool // whether searches do not find locked items, as in KeePassXC
	noDefault    bool
	alwaysPrompt bool // whether each creation and removal needs a prompt

	session  *secretSession
	sessions int
	locked   map[string]bool // whether a collection is locked, by the collection's path
	items    map[dbus.ObjectPath]*fakeSecret
	created  int
	pending  func() dbus.Variant // the action that the open prompt will perform
}

type fakeSecret struct {
	attributes map[string]string
	content    []byte
	modified   uint64
}

const loginPath = collectionPrefix + "login"

func newFakeSecrets(t *testing.T) *fakeSecrets {
	s := &fakeSecrets{
		fakeBus: newFakeBus(t, serviceName),
		locked:  map[string]bool{loginPath: false},
		items:   map[dbus.ObjectPath]*fakeSecret{},
	}
	const prompt = "org.freedesktop.Secret.Prompt"
	handlers := map[string]func(busCall) ([]any, error){
		serviceInterface + ".OpenSession":        s.openSession,
		serviceInterface + ".SearchItems":        s.searchAll,
		serviceInterface + ".ReadAlias":          s.readAlias,
		serviceInterface + ".Unlock":             s.unlock,
		serviceInterface + ".CreateCollection":   s.createCollection,
		collectionInterface + ".CreateItem":      s.createItem,
		collectionInterface + ".SearchItems":     s.searchOne,
		itemInterface + ".GetSecret":             s.getSecret,
		itemInterface + ".Delete":                s.remove,
		propertyGet:                              s.property,
		"org.freedesktop.DBus.Properties.GetAll": s.properties,
		"org.freedesktop.DBus.Properties.Set":    s.setAttributes,
		prompt + ".Prompt":                       s.promptUser,
		prompt + ".Dismiss":                      answers(nil),
	}
	s.handle(handlers)
	return s
}

func parent(path dbus.ObjectPath) string {
	return string(path[:strings.LastIndexByte(string(path), '/')])
}

func (s *fakeSecrets) openSession(c busCall) ([]any, error) {
	path := dbus.ObjectPath(fmt.Sprintf("/session/%d", s.sessions+1))
	if c.body[0] == algorithmPlain {
		s.sessions++
		s.session = &secretSession{path: path}
		return []any{dbus.MakeVariant(""), path}, nil
	}
	if s.plainOnly {
		return nil, busErrorName("org.freedesktop.DBus.Error.NotSupported")
	}
	s.sessions++
	ours := newExchange()
	key, err := ours.sharedKey(c.body[1].(dbus.Variant).Value().([]byte))
	s.session = &secretSession{path: path, key: key}
	return []any{dbus.MakeVariant(ours.public.Bytes()), path}, err
}

func (s *fakeSecrets) find(attributes map[string]string, in string) (open, locked []dbus.ObjectPath) {
	open, locked = []dbus.ObjectPath{}, []dbus.ObjectPath{}
	for _, path := range slices.Sorted(maps.Keys(s.items)) {
		matches := in == "" || parent(path) == in
		for key, value := range attributes {
			matches = matches && s.items[path].attributes[key] == value
		}
		switch {
		case matches && !s.locked[parent(path)]:
			open = append(open, path)
		case matches && !s.hideLocked:
			locked = append(locked, path)
		}
	}
	return open, locked
}

func (s *fakeSecrets) searchAll(c busCall) ([]any, error) {
	open, locked := s.find(c.body[0].(map[string]string), "")
	return []any{open, locked}, nil
}

func (s *fakeSecrets) searchOne(c busCall) ([]any, error) {
	open, _ := s.find(c.body[0].(map[string]string), string(c.path))
	return []any{open}, nil
}

func (s *fakeSecrets) readAlias(busCall) ([]any, error) {
	if s.noDefault {
		return []any{noPath}, nil
	}
	return []any{dbus.ObjectPath(loginPath)}, nil
}

func (s *fakeSecrets) prompt(do func() dbus.Variant) dbus.ObjectPath {
	s.pending = do
	s.created++
	return dbus.ObjectPath(fmt.Sprintf("%s/prompt/p%d", servicePath, s.created))
}

func (s *fakeSecrets) promptUser(c busCall) ([]any, error) {
	result := dbus.MakeVariant("")
	if !s.dismiss {
		result = s.pending()
	}
	c.emit("/somewhere/else", "org.freedesktop.Secret.Prompt.Completed", true, result)
	c.emit(c.path, "org.freedesktop.Secret.Prompt.Completed", s.dismiss, result)
	return nil, nil
}

func (s *fakeSecrets) unlock(c busCall) ([]any, error) {
	paths := c.body[0].([]dbus.ObjectPath)
	prompt := s.prompt(func() dbus.Variant {
		for _, path := range paths {
			if _, collection := s.locked[string(path)]; !collection {
				path = dbus.ObjectPath(parent(path))
			}
			s.locked[string(path)] = false
		}
		return dbus.MakeVariant(paths)
	})
	return []any{[]dbus.ObjectPath{}, prompt}, nil
}

func (s *fakeSecrets) createCollection(c busCall) ([]any, error) {
	label := c.body[0].(map[string]dbus.Variant)[collectionInterface+".Label"].Value().(string)
	path := dbus.ObjectPath(collectionPrefix + strings.ReplaceAll(label, "-", "_2d"))
	create := func() dbus.Variant {
		s.locked[string(path)] = false
		return dbus.MakeVariant(path)
	}
	if s.alwaysPrompt {
		return []any{noPath, s.prompt(create)}, nil
	}
	create()
	return []any{path, noPath}, nil
}

func (s *fakeSecrets) createItem(c busCall) ([]any, error) {
	if s.locked[string(c.path)] {
		return nil, busErrorName("org.freedesktop.Secret.Error.IsLocked")
	}
	var w wireSecret
	if err := dbus.Store(c.body[1:2], &w); err != nil {
		return nil, err
	}
	if w.Session != s.session.path {
		return nil, busErrorName("org.freedesktop.Secret.Error.NoSession")
	}
	content, err := s.session.open(w)
	if err != nil {
		return nil, err
	}
	attributes := c.body[0].(map[string]dbus.Variant)[itemInterface+".Attributes"].Value().(map[string]string)
	s.created++
	path := dbus.ObjectPath(fmt.Sprintf("%s/%d", c.path, s.created))
	if same, _ := s.find(attributes, string(c.path)); len(same) > 0 {
		path = same[0]
	}
	store := func() dbus.Variant {
		s.items[path] = &fakeSecret{attributes: attributes, content: content, modified: 1767322445}
		return dbus.MakeVariant(path)
	}
	if s.alwaysPrompt {
		return []any{noPath, s.prompt(store)}, nil
	}
	store()
	return []any{path, noPath}, nil
}

func (s *fakeSecrets) item(path dbus.ObjectPath) (*fakeSecret, error) {
	it, ok := s.items[path]
	if !ok {
		return nil, busErrorName("org.freedesktop.DBus.Error.UnknownObject")
	}
	return it, nil
}

func (s *fakeSecrets) getSecret(c busCall) ([]any, error) {
	it, err := s.item(c.path)
	if err != nil {
		return nil, err
	}
	if c.body[0] != s.session.path {
		return nil, busErrorName("org.freedesktop.Secret.Error.NoSession")
	}
	w, err := s.session.seal(it.content)
	return []any{w}, err
}

func (s *fakeSecrets) remove(c busCall) ([]any, error) {
	if s.alwaysPrompt {
		return []any{s.prompt(func() dbus.Variant {
			delete(s.items, c.path)
			return dbus.MakeVariant("")
		})}, nil
	}
	delete(s.items, c.path)
	return []any{noPath}, nil
}

func (s *fakeSecrets) property(c busCall) ([]any, error) {
	var value any
	switch c.body[1] {
	case "Collections":
		paths := []dbus.ObjectPath{}
		for path := range s.locked {
			paths = append(paths, dbus.ObjectPath(path))
		}
		value = paths
	case "Locked":
		value = s.locked[string(c.path)]
	case "Items":
		open, _ := s.find(nil, string(c.path))
		value = open
	case "Attributes":
		it, err := s.item(c.path)
		if err != nil {
			return nil, err
		}
		value = it.attributes
	}
	return []any{dbus.MakeVariant(value)}, nil
}

func (s *fakeSecrets) properties(c busCall) ([]any, error) {
	it, err := s.item(c.path)
	if err != nil {
		return nil, err
	}
	return []any{map[string]dbus.Variant{
		"Modified": dbus.MakeVariant(it.modified), "Attributes": dbus.MakeVariant(it.attributes),
	}}, nil
}

func (s *fakeSecrets) setAttributes(c busCall) ([]any, error) {
	it, err := s.item(c.path)
	if err != nil {
		return nil, err
	}
	it.attributes = c.body[2].(dbus.Variant).Value().(map[string]string)
	return nil, nil
}
