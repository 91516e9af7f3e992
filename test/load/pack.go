package main

import (
	"bytes"
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// A pack never decodes to more than this.
	packLimit = 1 << 20
	// A frame may ask for a window that is larger than what is in it.
	decodeLimit = 8 << 20
	// Largest blob.
	objectLimit = 1_536 << 10
	// Packs of which is remembered what is in them.
	rememberedPacks = 16

	identityEncoded = 1
	zstdEncoded     = 2
)

// part is one blob or a slice of it, as a pack says: not checked.
type part struct {
	digest       digest
	valid        bool
	size, offset int
	data         []byte
}

// packs are unpacked once for all agents of this process that are sent the same bytes: theirs are a thousand
// machines, here they share one core. What is in them, each agent checks by its digest all the same.
type packs struct {
	decoder *zstd.Decoder
	mu      sync.Mutex
	known   []knownPack
}

type knownPack struct {
	content content
	parts   []part
}

func newPacks() *packs {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(decodeLimit))
	if err != nil {
		panic(err)
	}
	return &packs{decoder: decoder}
}

func (p *packs) unpack(packed content) ([]part, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.known {
		alike := one.content.encoding == packed.encoding && one.content.decodedSize == packed.decodedSize
		if alike && bytes.Equal(one.content.pack, packed.pack) {
			return one.parts, nil
		}
	}
	data, err := p.decode(packed)
	if err != nil {
		return nil, err
	}
	parts, err := readParts(data)
	if err != nil {
		return nil, refuse("object_malformed", "a pack cannot be decoded: %v", err)
	}
	p.known = append([]knownPack{{content: packed, parts: parts}}, p.known...)
	p.known = p.known[:min(len(p.known), rememberedPacks)]
	return parts, nil
}

func (p *packs) decode(packed content) ([]byte, error) {
	if packed.decodedSize > packLimit || len(packed.pack) > packLimit {
		return nil, refuse("size_mismatch", "a pack is larger than allowed")
	}
	data := packed.pack
	switch {
	case packed.encoding == zstdEncoded:
		var err error
		// More than was stated is found by its size, below: memory is bounded by the decoder.
		if data, err = p.decoder.DecodeAll(packed.pack, make([]byte, 0, packed.decodedSize)); err != nil {
			return nil, refuse("object_malformed", "a pack cannot be decompressed: %v", err)
		}
		if len(data) > packed.decodedSize || len(packed.pack) == 0 {
			return nil, refuse("object_malformed", "a pack that is no frame of its size")
		}
	case packed.encoding == identityEncoded:
	case packed.encoding == 0 && len(packed.pack) == 0:
	default:
		return nil, refuse("object_malformed", "a pack in an encoding that is not known")
	}
	if len(data) != packed.decodedSize {
		return nil, refuse("size_mismatch", "a pack does not decode to the size it states")
	}
	return data, nil
}

var (
	packKinds = map[protowire.Number]protowire.Type{1: protowire.BytesType}
	partKinds = map[protowire.Number]protowire.Type{
		1: protowire.BytesType, 2: protowire.VarintType, 3: protowire.VarintType, 4: protowire.BytesType,
	}
)

func readParts(data []byte) ([]part, error) {
	fields, err := readFields(data)
	if err != nil {
		return nil, err
	}
	if !areOf(fields, packKinds) {
		return nil, errors.New("a field of another kind")
	}
	var parts []part
	for _, bytes := range allBytes(fields, 1) {
		inner, err := readFields(bytes)
		if err != nil {
			return nil, err
		}
		named := lastBytes(inner, 1)
		if !areOf(inner, partKinds) || !utf8.Valid(named) {
			return nil, errors.New("a field of another kind")
		}
		one := part{
			size:   int(uint32(lastNumber(inner, 2))),
			offset: int(uint32(lastNumber(inner, 3))),
			data:   lastBytes(inner, 4),
		}
		one.digest, one.valid = parseDigest(string(named))
		parts = append(parts, one)
	}
	return parts, nil
}

// pushed are the whole blobs that came along with an offer, each checked against its digest.
func (p *packs) pushed(contents []content) (map[digest][]byte, error) {
	blobs := map[digest][]byte{}
	for _, packed := range contents {
		parts, err := p.unpack(packed)
		if err != nil {
			return nil, err
		}
		for _, one := range parts {
			if !one.valid || len(one.data) != one.size {
				continue
			}
			if digestOf(one.data) != one.digest {
				return nil, refuse("digest_mismatch", "%s has other bytes", one.digest)
			}
			blobs[one.digest] = one.data
		}
	}
	return blobs, nil
}
