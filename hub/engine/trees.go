package main

import (
	"container/list"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// tree is the files of one Git tree, by path relative to its root.
type tree struct {
	id    string
	files map[string][]byte
	size  int
	// disk is the same files as kustomize wants them; made when first asked for.
	disk filesys.FileSystem
}

// trees keeps the trees used last, within a bound of bytes and count.
type trees struct {
	maxBytes, maxCount, bytes int
	order                     *list.List
	byID                      map[string]*list.Element
}

func newTrees(maxBytes, maxCount int) *trees {
	return &trees{maxBytes: maxBytes, maxCount: maxCount, order: list.New(), byID: map[string]*list.Element{}}
}

func (t *trees) get(id string) *tree {
	found := t.byID[id]
	if found == nil {
		return nil
	}
	t.order.MoveToFront(found)
	return found.Value.(*tree)
}

// put always keeps the tree it is given, whatever its size: the render that follows needs it.
func (t *trees) put(id string, files map[string][]byte) error {
	if old := t.byID[id]; old != nil {
		t.drop(old)
	}
	added := &tree{id: id, files: files}
	for name, data := range files {
		if name == "" || path.IsAbs(name) || path.Clean(name) != name || !within(name) || strings.ContainsAny(name, "\\\x00") {
			return faultf("refused", name, 0, "%q is not a path within the tree", name)
		}
		files[name] = witnessSops(name, data)
		added.size += len(name) + len(files[name])
	}
	t.byID[id] = t.order.PushFront(added)
	t.bytes += added.size
	for t.order.Len() > 1 && (t.bytes > t.maxBytes || t.order.Len() > t.maxCount) {
		t.drop(t.order.Back())
	}
	return nil
}

func (t *trees) drop(old *list.Element) {
	gone := t.order.Remove(old).(*tree)
	delete(t.byID, gone.id)
	t.bytes -= gone.size
}

func (t *tree) paths() []string {
	names := make([]string, 0, len(t.files))
	for name := range t.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (t *tree) isDir(dir string) bool {
	if dir == "." {
		return true
	}
	for name := range t.files {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// fileSystem has bases of other repositories where the tree has them; which they are is part of the
// tree's id.
func (t *tree) fileSystem(bases map[string]string) (filesys.FileSystem, error) {
	if t.disk == nil {
		disk := newDisk()
		for _, name := range t.paths() {
			data, err := localize(name, t.files[name], bases)
			if err != nil {
				return nil, err
			}
			if err := disk.WriteFile("/"+name, data); err != nil {
				return nil, faultf("refused", name, 0, "%s", err)
			}
		}
		t.disk = disk
	}
	return t.disk, nil
}

// within says whether a cleaned relative path stays inside the tree.
func within(clean string) bool {
	return clean != ".." && !strings.HasPrefix(clean, "../") && !path.IsAbs(clean)
}
