package main

const (
	// Blobs begun and not finished; an honest hub sends one after the other.
	mostBegun = 4
	// Content nobody asked for, on one stream.
	unaskedAllowance = 64 << 10
	// Around each blob, and around each message.
	blobOverhead    = 256
	messageOverhead = 64
	// A size that nobody declared.
	undeclared = -1
)

// wanted are blobs that are asked for, with the sizes that were declared. All agents ask in the order of
// the manifest, so that a hub packs for all what it packed for one.
type wanted struct {
	sizes map[digest]int
	order []digest
}

func (w *wanted) add(named digest, size int) {
	if _, twice := w.sizes[named]; twice {
		return
	}
	if w.sizes == nil {
		w.sizes = map[digest]int{}
	}
	w.sizes[named] = size
	w.order = append(w.order, named)
}

// allowanceFor is how many bytes it may take to send what is wanted.
func allowanceFor(these wanted) int {
	sum := 0
	for _, size := range these.sizes {
		if size == undeclared {
			size = objectLimit
		}
		sum += min(size, objectLimit) + blobOverhead
	}
	return sum
}

// costOf is what a message counts as: the larger of what travelled and what it says it decodes to.
func costOf(one content) int {
	cost := max(len(one.pack), one.decodedSize) + messageOverhead
	for _, digest := range one.missing {
		cost += len(digest)
	}
	return cost
}

// assembly puts wanted blobs together from packs: only what was wanted, at the size that was declared, each
// checked against its digest.
type assembly struct {
	wanted   wanted
	open     map[digest]*begun
	finished map[digest][]byte
}

type begun struct {
	size int
	data []byte
}

func newAssembly(these wanted) *assembly {
	return &assembly{wanted: these, open: map[digest]*begun{}, finished: map[digest][]byte{}}
}

func (a *assembly) isWhole() bool { return len(a.finished) == len(a.wanted.sizes) }

func (a *assembly) take(parts []part) error {
	for _, one := range parts {
		declared, asked := a.wanted.sizes[one.digest]
		if _, done := a.finished[one.digest]; !one.valid || !asked || done {
			continue
		}
		if one.size > objectLimit || declared != undeclared && one.size != declared {
			return refuse("size_mismatch", "%s: %d bytes, not %d", one.digest, one.size, declared)
		}
		blob := a.open[one.digest]
		if blob == nil {
			if len(a.open) >= mostBegun {
				return refuse("too_much_data", "the hub begins blobs and does not finish them")
			}
			blob = &begun{size: one.size}
			a.open[one.digest] = blob
		}
		if one.size != blob.size || one.offset != len(blob.data) || len(one.data) > blob.size-len(blob.data) {
			return refuse("size_mismatch", "%s: a part does not fit", one.digest)
		}
		blob.data = append(blob.data, one.data...)
		if len(blob.data) < blob.size {
			continue
		}
		delete(a.open, one.digest)
		if digestOf(blob.data) != one.digest {
			return refuse("digest_mismatch", "%s has other bytes", one.digest)
		}
		a.finished[one.digest] = blob.data
	}
	return nil
}

func (a *assembly) lacks(named digest) bool {
	_, asked := a.wanted.sizes[named]
	_, done := a.finished[named]
	return asked && !done
}
