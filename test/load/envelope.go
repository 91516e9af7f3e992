package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
)

// Bytes of an envelope at most, before anything is parsed (proto/envelope.ts).
var envelopeLimits = map[string]int{
	"root": 32 << 10, "snapshot": 1 << 20, "freshness": 16 << 10,
}

const mostSignatures = 16

// keyRole is who may sign for a role, by key id, and how many distinct keys must.
type keyRole struct {
	keys      map[string]ed25519.PublicKey
	threshold int64
}

type signature struct {
	kid   string
	over  string
	bytes []byte
}

// openEnvelope gives the payload that enough distinct keys of a role signed, in the strict profile of JWS
// that proto/envelope.ts and proto/signers.ts have: one signature by a trusted key that is wrong is a fault.
func openEnvelope(data []byte, kind string, role keyRole) ([]byte, error) {
	payload, signatures, err := readEnvelope(data, kind)
	if err != nil {
		return nil, err
	}
	signers := map[string]bool{}
	for _, one := range signatures {
		key, known := role.keys[one.kid]
		if !known {
			continue
		}
		if !ed25519.Verify(key, []byte(one.over), one.bytes) {
			return nil, refuse("signature_invalid", "the signature by key %s is wrong", one.kid)
		}
		signers[one.kid] = true
	}
	if int64(len(signers)) < role.threshold {
		return nil, refuse("threshold_not_met", "%d of %d keys signed this", len(signers), role.threshold)
	}
	return payload, nil
}

// readEnvelope checks the shape, and believes nothing.
func readEnvelope(data []byte, kind string) ([]byte, []signature, error) {
	if len(data) > envelopeLimits[kind] {
		return nil, nil, refuse("envelope_too_large", "%d bytes", len(data))
	}
	value, err := parseStrict(data)
	if err != nil {
		return nil, nil, refuse("envelope_malformed", "not strict JSON: %v", err)
	}
	members, ok := hasExactly(value, "payload", "signatures")
	if !ok {
		return nil, nil, refuse("envelope_malformed", "not exactly payload and signatures")
	}
	payload, ok := decodeBase64(members["payload"])
	if !ok {
		return nil, nil, refuse("envelope_malformed", "payload is not base64url")
	}
	list, ok := members["signatures"].([]any)
	if !ok || len(list) == 0 || len(list) > mostSignatures {
		return nil, nil, refuse("envelope_malformed", "not 1 to %d signatures", mostSignatures)
	}
	signatures := make([]signature, len(list))
	for at, item := range list {
		if signatures[at], err = readSignature(item, kind, members["payload"].(string)); err != nil {
			return nil, nil, err
		}
	}
	return payload, signatures, nil
}

func readSignature(item any, kind, payload string) (signature, error) {
	members, ok := hasExactly(item, "protected", "signature")
	if !ok {
		return signature{}, refuse("envelope_malformed", "a signature has other members")
	}
	header, ok := decodeBase64(members["protected"])
	if !ok {
		return signature{}, refuse("envelope_malformed", "a header is not base64url")
	}
	bytes, ok := decodeBase64(members["signature"])
	if !ok {
		return signature{}, refuse("envelope_malformed", "a signature is not base64url")
	}
	value, err := parseStrict(header)
	if err != nil {
		return signature{}, refuse("envelope_malformed", "header: not strict JSON: %v", err)
	}
	known, ok := hasExactly(value, "alg", "kid", "typ")
	if !ok || known["alg"] != "EdDSA" || known["typ"] != "groundswell."+kind+"+jws;v=1" {
		return signature{}, refuse("envelope_header", "not alg EdDSA, kid, and typ of a %s", kind)
	}
	if id, ok := decodeBase64(known["kid"]); !ok || len(id) != sha256.Size {
		return signature{}, refuse("envelope_header", "kid is not a key thumbprint")
	}
	over := members["protected"].(string) + "." + payload
	return signature{kid: known["kid"].(string), over: over, bytes: bytes}, nil
}

// thumbprintOf names a public key (RFC 7638) by its `x`, as kid does.
func thumbprintOf(x string) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
