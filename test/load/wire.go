package main

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Messages of proto/groundswell/v1 by their fields' numbers: the few that an agent says and hears that
// applies nothing. Generated code for all of them would be ten times as long, and slower.

// message is a protobuf message that is being written. As in proto3, what has its zero value is left out.
type message []byte

func (m message) bytes(field protowire.Number, value []byte) message {
	if len(value) == 0 {
		return m
	}
	return m.part(field, value)
}

func (m message) text(field protowire.Number, value string) message {
	if value == "" {
		return m
	}
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), value)
}

// part is there even when it is empty: a message in a message.
func (m message) part(field protowire.Number, value []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), value)
}

func (m message) number(field protowire.Number, value uint64) message {
	if value == 0 {
		return m
	}
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), value)
}

func (m message) flag(field protowire.Number, value bool) message {
	return m.number(field, protowire.EncodeBool(value))
}

// What a SyncRequest may hold.
const (
	sayHello     protowire.Number = 1
	sayWant      protowire.Number = 2
	sayVerdict   protowire.Number = 3
	sayReport    protowire.Number = 4
	sayHeartbeat protowire.Number = 5
	sayFreshness protowire.Number = 7
)

// What a SyncResponse may hold.
const (
	hearWelcome   protowire.Number = 1
	hearOffer     protowire.Number = 2
	hearContent   protowire.Number = 3
	hearHeartbeat protowire.Number = 4
	hearRootChain protowire.Number = 5
	hearFreshness protowire.Number = 7
	hearGoodbye   protowire.Number = 8
)

// field of a message that was read: a number, or bytes that are part of the message's.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64
	bytes  []byte
}

// areOf says whether fields that are known are of these kinds.
func areOf(fields []field, kinds map[protowire.Number]protowire.Type) bool {
	for _, one := range fields {
		if kind, known := kinds[one.number]; known && kind != one.kind {
			return false
		}
	}
	return true
}

// readFields takes a message apart.
func readFields(data []byte) ([]field, error) {
	fields := make([]field, 0, 8)
	for len(data) > 0 {
		number, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return nil, fmt.Errorf("message: %w", protowire.ParseError(size))
		}
		data = data[size:]
		one := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			one.value, size = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			one.bytes, size = protowire.ConsumeBytes(data)
		default:
			size = protowire.ConsumeFieldValue(number, kind, data)
		}
		if size < 0 {
			return nil, fmt.Errorf("message: %w", protowire.ParseError(size))
		}
		data = data[size:]
		fields = append(fields, one)
	}
	return fields, nil
}

// allBytes are those of a field that may be there several times.
func allBytes(fields []field, number protowire.Number) [][]byte {
	var found [][]byte
	for _, one := range fields {
		if one.number == number {
			found = append(found, one.bytes)
		}
	}
	return found
}

// lastBytes are those of a field that counts once; of several, the last.
func lastBytes(fields []field, number protowire.Number) []byte {
	all := allBytes(fields, number)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func lastNumber(fields []field, number protowire.Number) uint64 {
	var value uint64
	for _, one := range fields {
		if one.number == number {
			value = one.value
		}
	}
	return value
}

// content is some of the wanted blobs, packed.
type content struct {
	encoding    uint64
	decodedSize int
	pack        []byte
	missing     []string
}

func readContent(data []byte) (content, error) {
	fields, err := readFields(data)
	if err != nil {
		return content{}, err
	}
	read := content{
		encoding:    lastNumber(fields, 1),
		decodedSize: int(uint32(lastNumber(fields, 2))),
		pack:        lastBytes(fields, 3),
	}
	for _, digest := range allBytes(fields, 4) {
		read.missing = append(read.missing, string(digest))
	}
	return read, nil
}

// offer is a signed snapshot and what came with it.
type offer struct {
	envelope  []byte
	approvals int
	contents  []content
}

func readOffer(data []byte) (offer, error) {
	fields, err := readFields(data)
	if err != nil {
		return offer{}, err
	}
	read := offer{envelope: lastBytes(fields, 1), approvals: len(allBytes(fields, 2))}
	for _, bytes := range allBytes(fields, 3) {
		one, err := readContent(bytes)
		if err != nil {
			return offer{}, err
		}
		read.contents = append(read.contents, one)
	}
	return read, nil
}
