package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// disk is a tree as kustomize reads one. Kustomize's own file system in memory refuses names that Git and
// other programs allow, as `high-availability-1.21+`, and with one such name the whole tree.
type disk struct {
	// By absolute paths.
	files map[string][]byte
	dirs  map[string][]string
}

var errReadOnly = errors.New("the tree is not written to")

func newDisk() *disk {
	return &disk{files: map[string][]byte{}, dirs: map[string][]string{"/": nil}}
}

// WriteFile puts a file where there is none, or another content where it is.
func (d *disk) WriteFile(name string, data []byte) error {
	name = absolute(name)
	if d.IsDir(name) {
		return fmt.Errorf("%q is a directory", name)
	}
	_, known := d.files[name]
	d.files[name] = slices.Clone(data)
	for !known && name != "/" {
		above := path.Dir(name)
		if _, isFile := d.files[above]; isFile {
			return fmt.Errorf("%q is a file", above)
		}
		_, known = d.dirs[above]
		d.dirs[above] = append(d.dirs[above], path.Base(name))
		name = above
	}
	return nil
}

func absolute(name string) string { return path.Clean("/" + name) }

func (d *disk) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	clean := absolute(name)
	switch {
	case name != "" && d.IsDir(clean):
		return filesys.ConfirmedDir(clean), "", nil
	case name != "" && d.Exists(clean):
		return filesys.ConfirmedDir(path.Dir(clean)), path.Base(clean), nil
	}
	return "", "", notThere(name)
}

func notThere(name string) error {
	return fmt.Errorf("'%s' doesn't exist: %w", name, os.ErrNotExist)
}

func (d *disk) IsDir(name string) bool {
	_, known := d.dirs[absolute(name)]
	return name != "" && known
}

func (d *disk) Exists(name string) bool {
	_, known := d.files[absolute(name)]
	return name != "" && known || d.IsDir(name)
}

func (d *disk) ReadFile(name string) ([]byte, error) {
	data, known := d.files[absolute(name)]
	switch {
	case name != "" && known:
		return slices.Clone(data), nil
	case d.IsDir(name):
		return nil, fmt.Errorf("cannot read content from non-file '%s'", name)
	}
	return nil, notThere(name)
}

func (d *disk) ReadDir(name string) ([]string, error) {
	if !d.IsDir(name) {
		return nil, notThere(name)
	}
	return slices.Sorted(slices.Values(d.dirs[absolute(name)])), nil
}

// Glob gives the files that fit, hidden ones only where the pattern names them, as on a real disk.
func (d *disk) Glob(pattern string) (found []string, err error) {
	for _, name := range sortedKeys(d.files) {
		fits, err := path.Match(absolute(pattern), name)
		if err != nil {
			return nil, err
		}
		if hidden := strings.HasPrefix(path.Base(name), "."); fits && (!hidden || strings.HasPrefix(path.Base(pattern), ".")) {
			found = append(found, name)
		}
	}
	return found, nil
}

func (d *disk) Create(string) (filesys.File, error) { return nil, errReadOnly }

func (d *disk) Open(string) (filesys.File, error) { return nil, errReadOnly }

func (d *disk) Mkdir(string) error { return errReadOnly }

func (d *disk) MkdirAll(string) error { return errReadOnly }

func (d *disk) RemoveAll(string) error { return errReadOnly }

func (d *disk) Walk(string, filepath.WalkFunc) error { return errReadOnly }

var _ filesys.FileSystem = (*disk)(nil)
