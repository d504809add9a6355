package keystore

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// generationKey is an attribute with a random value. Each Put changes the value. Stamp needs this attribute because the
// service's own write time has a precision of only 1 s.
const generationKey = "aws-vault-generation"

// A secretRing contains the items of one collection that have certain attributes.
type secretRing struct {
	service         *secretService
	collection      string            // the label of the collection
	inDefault       bool              // whether to use the user's default collection, if there is one
	fixedAttributes map[string]string // attributes that all items of the ring have
	nameKey         string            // the attribute for the item's name
	label           string            // the label of all items; if empty, each item's name
}

func (r *secretRing) attributes(name string) map[string]string {
	all := map[string]string{r.nameKey: name}
	maps.Copy(all, r.fixedAttributes)
	return all
}

func (r *secretRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	paths, err := r.find(ctx, name)
	if err != nil {
		return Item{}, secretError(err)
	}
	content, err := r.content(ctx, paths[0])
	if err != nil {
		return Item{}, secretError(err)
	}
	it, err := decodePayload(content)
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: secretBackend, Err: err}
	}
	it.Name = name
	return it, nil
}

func (r *secretRing) content(ctx context.Context, path dbus.ObjectPath) (content []byte, err error) {
	err = r.service.withSession(ctx, func(session *secretSession) error {
		var w wireSecret
		if err := r.service.call(ctx, path, itemInterface+".GetSecret", []any{session.path}, &w); err != nil {
			return err
		}
		content, err = session.open(w)
		return err
	})
	return content, err
}

// CheckUnique returns a *DuplicateError if several items called name have different contents. Another program may
// have created a second item of this name, because the service identifies an item by all of its attributes.
func (r *secretRing) CheckUnique(ctx context.Context, name string) error {
	paths, err := r.find(ctx, name)
	if err != nil {
		return secretError(err)
	}
	different := map[string]bool{}
	for _, path := range paths {
		content, err := r.content(ctx, path)
		if err != nil {
			return secretError(err)
		}
		different[string(content)] = true
	}
	if len(different) > 1 {
		return &DuplicateError{Name: name, Where: secretBackend, Items: len(paths)}
	}
	return nil
}

// find unlocks the items called name and returns their paths, or ErrNotFound. It first searches all collections with
// one call. If this call finds an item, find does not have to look for the ring's collection.
func (r *secretRing) find(ctx context.Context, name string) ([]dbus.ObjectPath, error) {
	paths, err := r.search(ctx, name)
	if err != nil || len(paths) > 0 {
		return paths, err
	}
	// Some services do not return items of a locked collection. Unlock the collection and search again.
	at, locked, err := r.collectionState(ctx)
	if err != nil || !locked {
		return nil, firstError(err, ErrNotFound)
	}
	if err := r.service.unlock(ctx, at); err != nil {
		return nil, err
	}
	if paths, err = r.search(ctx, name); err == nil && len(paths) == 0 {
		err = ErrNotFound
	}
	return paths, err
}

func (r *secretRing) search(ctx context.Context, name string) ([]dbus.ObjectPath, error) {
	var open, locked []dbus.ObjectPath
	args := []any{r.attributes(name)}
	if err := r.service.call(ctx, servicePath, serviceInterface+".SearchItems", args, &open, &locked); err != nil {
		return nil, err
	}
	open, locked = slices.DeleteFunc(open, r.inOtherCollection), slices.DeleteFunc(locked, r.inOtherCollection)
	for _, path := range locked {
		if err := r.service.unlock(ctx, path); err != nil {
			return nil, err
		}
	}
	return append(open, locked...), nil
}

// inOtherCollection reports whether the ring must ignore the item at path because the item is in another
// collection. Private items may be in any collection, because only aws-vault uses their fixed attributes.
func (r *secretRing) inOtherCollection(path dbus.ObjectPath) bool {
	if len(r.fixedAttributes) > 0 {
		return false
	}
	end := strings.LastIndexByte(string(path), '/')
	return end < 0 || !r.isOwnCollection(path[:end])
}

func (r *secretRing) isOwnCollection(collection dbus.ObjectPath) bool {
	return decodePath(collection) == collectionPrefix+r.collection
}

// findCollection returns the path of the ring's collection, or ErrNotFound.
func (r *secretRing) findCollection(ctx context.Context) (dbus.ObjectPath, error) {
	if r.inDefault {
		var path dbus.ObjectPath
		err := r.service.call(ctx, servicePath, serviceInterface+".ReadAlias", []any{"default"}, &path)
		if err != nil || path != noPath {
			return path, err
		}
	}
	var value dbus.Variant
	if err := r.service.call(ctx, servicePath, propertyGet, []any{serviceInterface, "Collections"}, &value); err != nil {
		return "", err
	}
	paths, _ := value.Value().([]dbus.ObjectPath)
	if i := slices.IndexFunc(paths, r.isOwnCollection); i >= 0 {
		return paths[i], nil
	}
	return "", ErrNotFound
}

// collectionState returns the path of the ring's collection and whether the collection is locked, or ErrNotFound.
// It first tries the path that most services derive from the label, which saves a call.
func (r *secretRing) collectionState(ctx context.Context) (at dbus.ObjectPath, locked bool, err error) {
	if !r.inDefault {
		at = dbus.ObjectPath(collectionPrefix + encodePath(r.collection))
		if locked, err = r.isLocked(ctx, at); err == nil {
			return at, locked, nil
		}
	}
	if at, err = r.findCollection(ctx); err != nil {
		return "", false, err
	}
	locked, err = r.isLocked(ctx, at)
	return at, locked, err
}

func (r *secretRing) isLocked(ctx context.Context, collection dbus.ObjectPath) (bool, error) {
	var value dbus.Variant
	err := r.service.call(ctx, collection, propertyGet, []any{collectionInterface, "Locked"}, &value)
	locked, _ := value.Value().(bool)
	return locked, err
}

func (r *secretRing) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	at, err := r.unlockedCollection(ctx)
	if errors.Is(err, ErrNotFound) {
		at, err = r.createCollection(ctx)
	}
	if err == nil {
		err = r.put(ctx, at, it)
	}
	return secretError(err)
}

func (r *secretRing) put(ctx context.Context, at dbus.ObjectPath, it Item) error {
	properties := map[string]dbus.Variant{
		itemInterface + ".Label":      dbus.MakeVariant(cmp.Or(r.label, it.Name)),
		itemInterface + ".Attributes": dbus.MakeVariant(r.attributes(it.Name)),
	}
	var path, prompt dbus.ObjectPath
	err := r.service.withSession(ctx, func(session *secretSession) error {
		w, err := session.seal(encodePayload(it))
		if err != nil {
			return err
		}
		args := []any{properties, w, true}
		return r.service.call(ctx, at, collectionInterface+".CreateItem", args, &path, &prompt)
	})
	if err != nil {
		return err
	}
	if prompt != noPath {
		if err := r.completePrompt(ctx, prompt, &path); err != nil {
			return err
		}
	}
	r.writeGeneration(ctx, it.Name, path)
	return nil
}

// completePrompt makes the service show a prompt. The result of the prompt is an object path, which completePrompt
// stores in *path.
func (r *secretRing) completePrompt(ctx context.Context, prompt dbus.ObjectPath, path *dbus.ObjectPath) error {
	result, err := r.service.prompt(ctx, prompt)
	if err != nil {
		return err
	}
	return dbus.Store([]any{result.Value()}, path)
}

// writeGeneration changes the item's generation attribute. Put calls it after it has written the item. The write
// itself cannot change the attribute, because a write replaces an old item only if all attributes are equal. If
// writeGeneration fails, the stamp still changes, but with a precision of 1 s.
func (r *secretRing) writeGeneration(ctx context.Context, name string, path dbus.ObjectPath) {
	all := r.attributes(name)
	all[generationKey] = hex.EncodeToString(random(8))
	args := []any{itemInterface, "Attributes", dbus.MakeVariant(all)}
	if err := r.service.call(ctx, path, "org.freedesktop.DBus.Properties.Set", args); err != nil {
		r.service.config.debug("the Secret Service did not store the item's generation", "error", err)
	}
}

// createCollection creates the ring's collection. The service prompts the user for a password.
func (r *secretRing) createCollection(ctx context.Context) (dbus.ObjectPath, error) {
	properties := map[string]dbus.Variant{collectionInterface + ".Label": dbus.MakeVariant(r.collection)}
	var path, prompt dbus.ObjectPath
	err := r.service.call(ctx, servicePath, serviceInterface+".CreateCollection", []any{properties, ""}, &path, &prompt)
	if err == nil && prompt != noPath {
		err = r.completePrompt(ctx, prompt, &path)
	}
	return path, err
}

// unlockedCollection unlocks the ring's collection and returns its path, or ErrNotFound.
func (r *secretRing) unlockedCollection(ctx context.Context) (dbus.ObjectPath, error) {
	at, locked, err := r.collectionState(ctx)
	if err == nil && locked {
		err = r.service.unlock(ctx, at)
	}
	return at, err
}

func (r *secretRing) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	paths, err := r.find(ctx, name)
	if err != nil {
		return secretError(err)
	}
	for _, path := range paths { // another program may have created a second item of this name
		var prompt dbus.ObjectPath
		err := r.service.call(ctx, path, itemInterface+".Delete", nil, &prompt)
		if err == nil && prompt != noPath {
			_, err = r.service.prompt(ctx, prompt)
		}
		if err != nil {
			return secretError(err)
		}
	}
	return nil
}

func (r *secretRing) Names(ctx context.Context) ([]string, error) {
	at, err := r.unlockedCollection(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	var paths []dbus.ObjectPath
	if err == nil {
		paths, err = r.items(ctx, at)
	}
	if err != nil {
		return nil, secretError(err)
	}
	all, err := r.allAttributes(ctx, paths)
	if err != nil {
		return nil, secretError(err)
	}
	var names []string
	for _, attributes := range all {
		if name := attributes[r.nameKey]; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (r *secretRing) items(ctx context.Context, at dbus.ObjectPath) ([]dbus.ObjectPath, error) {
	if len(r.fixedAttributes) > 0 {
		var paths []dbus.ObjectPath
		err := r.service.call(ctx, at, collectionInterface+".SearchItems", []any{r.fixedAttributes}, &paths)
		return paths, err
	}
	var value dbus.Variant
	err := r.service.call(ctx, at, propertyGet, []any{collectionInterface, "Items"}, &value)
	paths, _ := value.Value().([]dbus.ObjectPath)
	return paths, err
}

// allAttributes returns the attributes of all items at paths. It sends all requests before it waits for the
// responses.
func (r *secretRing) allAttributes(ctx context.Context, paths []dbus.ObjectPath) ([]map[string]string, error) {
	ctx, cancel := withBusTimeout(ctx, busTimeout)
	defer cancel()
	conn, err := r.service.bus.connect(ctx)
	if err != nil {
		return nil, err
	}
	calls := make([]*dbus.Call, len(paths))
	for i, path := range paths {
		calls[i] = conn.Object(serviceName, path).GoWithContext(ctx, propertyGet, 0, make(chan *dbus.Call, 1), itemInterface, "Attributes")
	}
	var all []map[string]string
	for _, call := range calls {
		var value dbus.Variant
		err := (<-call.Done).Store(&value)
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		if err != nil {
			continue // the item has been removed since it was listed
		}
		attributes, _ := value.Value().(map[string]string)
		all = append(all, attributes)
	}
	return all, nil
}

// Stamp returns a digest of the item's path, its write time and its generation.
func (r *secretRing) Stamp(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	paths, err := r.find(ctx, name)
	if err != nil {
		return "", secretError(err)
	}
	var properties map[string]dbus.Variant
	err = r.service.call(ctx, paths[0], "org.freedesktop.DBus.Properties.GetAll", []any{itemInterface}, &properties)
	if err != nil {
		return "", secretError(err)
	}
	attributes, _ := properties["Attributes"].Value().(map[string]string)
	return digest(fmt.Sprint(paths[0], properties["Modified"].Value(), attributes[generationKey])), nil
}

func (r *secretRing) Check(ctx context.Context) error {
	_, err := r.unlockedCollection(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return secretError(err)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
