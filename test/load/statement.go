package main

import (
	"crypto/ed25519"
	"regexp"
)

// Statements that are signed, in the shapes of proto/root.ts, snapshot.ts and freshness.ts: all of the
// members and no other.

type root struct {
	fleet                     string
	version, epoch, expiresAt int64
	roles                     map[string]keyRole
	policies                  []policy
}

type policy struct{ clusters []string }

type snapshot struct {
	fleet, aud, clusterUID             string
	epoch, sequence, issuedAt, expires int64
	previous                           *digest
	applications                       []listed
}

// listed is an application of a snapshot; one that is not present is removed.
type listed struct {
	name       string
	generation int64
	present    bool
	manifest   digest
	size       int64
}

type freshness struct {
	fleet, aud, nonce                               string
	issuedAt, expires, epoch, sequence, rootVersion int64
	snapshot                                        *digest
	head                                            *auditHead
}

// auditHead is a line of the hub's ledger: the newest when it was told.
type auditHead struct {
	index  int64
	digest digest
}

const (
	mostApplications = 2_000
	mostPolicies     = 100
	mostClusters     = 10_000
	mostLeft         = 250
)

var name = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// shape reads members and remembers the first that was wrong.
type shape struct {
	code  string
	wrong error
}

func (s *shape) need(ok bool, what string) {
	if !ok && s.wrong == nil {
		s.wrong = refuse(s.code, "statement: %s", what)
	}
}

func (s *shape) statement(payload []byte, names ...string) object {
	value, err := parseStrict(payload)
	if err != nil {
		s.wrong = refuse(s.code, "not strict JSON: %v", err)
		return object{}
	}
	members := s.exactly(value, "members", append(names, "v")...)
	s.need(members["v"] == int64(1), "v")
	return members
}

func (s *shape) exactly(value any, what string, names ...string) object {
	members, ok := hasExactly(value, names...)
	s.need(ok, what)
	return members
}

func (s *shape) text(value any, what string) string {
	text, ok := value.(string)
	s.need(ok, what)
	return text
}

func (s *shape) filled(value any, what string) string {
	text := s.text(value, what)
	s.need(text != "" && len(text) <= 1024, what)
	return text
}

func (s *shape) count(value any, what string) int64 {
	number, ok := value.(int64)
	s.need(ok && number >= 0, what)
	return number
}

func (s *shape) positive(value any, what string) int64 {
	number := s.count(value, what)
	s.need(number > 0, what)
	return number
}

// Last second of the year 9999.
const latestTime = 253_402_300_799

func (s *shape) time(value any, what string) int64 {
	seconds := s.positive(value, what)
	s.need(seconds <= latestTime, what)
	return seconds
}

func (s *shape) digest(value any, what string) digest {
	parsed, ok := parseDigest(value)
	s.need(ok, what)
	return parsed
}

func (s *shape) digestOrNil(value any, what string) *digest {
	if value == nil {
		return nil
	}
	parsed := s.digest(value, what)
	return &parsed
}

func parseRoot(payload []byte) (*root, error) {
	s := &shape{code: "root_malformed"}
	value := s.statement(payload, "epoch", "expiresAt", "fleet", "policies", "roles", "version")
	read := &root{
		fleet:     s.filled(value["fleet"], "fleet"),
		version:   s.positive(value["version"], "version"),
		epoch:     s.positive(value["epoch"], "epoch"),
		expiresAt: s.time(value["expiresAt"], "expiresAt"),
		roles:     map[string]keyRole{},
	}
	roles := s.exactly(value["roles"], "roles", "approver", "freshness", "root", "snapshot")
	for name, role := range roles {
		read.roles[name] = s.role(role, name)
	}
	policies, ok := value["policies"].([]any)
	s.need(ok && len(policies) <= mostPolicies, "policies")
	for _, one := range policies {
		read.policies = append(read.policies, s.policy(one))
	}
	return read, s.wrong
}

func (s *shape) role(value any, what string) keyRole {
	members := s.exactly(value, what, "keys", "threshold")
	role := keyRole{keys: map[string]ed25519.PublicKey{}, threshold: s.positive(members["threshold"], what)}
	keys, ok := members["keys"].([]any)
	s.need(ok && len(keys) <= mostSignatures, what)
	for _, key := range keys {
		jwk := s.exactly(key, what, "crv", "kty", "x")
		x, ok := decodeBase64(jwk["x"])
		s.need(ok && len(x) == ed25519.PublicKeySize && jwk["kty"] == "OKP" && jwk["crv"] == "Ed25519", what)
		if s.wrong != nil {
			return role
		}
		id := thumbprintOf(jwk["x"].(string))
		_, twice := role.keys[id]
		s.need(!twice, what)
		role.keys[id] = x
	}
	return role
}

func (s *shape) policy(value any) policy {
	members := s.exactly(value, "policies", "approvers", "clusters", "group")
	group := s.text(members["group"], "policies: group")
	s.need(group == "*" || name.MatchString(group), "policies: group")
	s.positive(members["approvers"], "policies: approvers")
	list, ok := members["clusters"].([]any)
	s.need(ok && len(list) > 0 && len(list) <= mostClusters, "policies: clusters")
	var read policy
	for at, item := range list {
		cluster := s.text(item, "policies: clusters")
		alone := cluster == "*" && len(list) == 1
		s.need(alone || name.MatchString(cluster), "policies: clusters")
		s.need(at == 0 || read.clusters[at-1] < cluster, "policies: clusters")
		read.clusters = append(read.clusters, cluster)
	}
	return read
}

func parseSnapshot(payload []byte) (*snapshot, error) {
	s := &shape{code: "statement_malformed"}
	value := s.statement(payload, "applications", "aud", "clusterUid", "epoch", "expiresAt", "fleet",
		"issuedAt", "previous", "sequence")
	read := &snapshot{
		fleet:      s.text(value["fleet"], "fleet"),
		aud:        s.text(value["aud"], "aud"),
		clusterUID: s.text(value["clusterUid"], "clusterUid"),
		epoch:      s.positive(value["epoch"], "epoch"),
		sequence:   s.positive(value["sequence"], "sequence"),
		issuedAt:   s.time(value["issuedAt"], "issuedAt"),
		expires:    s.time(value["expiresAt"], "expiresAt"),
		previous:   s.digestOrNil(value["previous"], "previous"),
	}
	list, ok := value["applications"].([]any)
	s.need(ok && len(list) <= mostApplications, "applications")
	seen := map[string]bool{}
	for _, item := range list {
		one := s.application(item)
		s.need(!seen[one.name], "applications: listed twice")
		seen[one.name] = true
		read.applications = append(read.applications, one)
	}
	return read, s.wrong
}

func (s *shape) application(item any) listed {
	members, ok := item.(object)
	s.need(ok, "applications")
	read := listed{
		name:       s.text(members["name"], "application name"),
		generation: s.count(members["generation"], "generation"),
		present:    members["state"] == "present",
	}
	s.need(name.MatchString(read.name), "application name")
	if members["state"] == "removed" {
		s.exactlySparing(members, "deletionPolicy", "generation", "name", "state")
		policy := members["deletionPolicy"]
		s.need(policy == "Delete" || policy == "Orphan", "deletionPolicy")
		return read
	}
	s.need(read.present, "state")
	s.exactlySparing(members, "generation", "manifest", "name", "revision", "state")
	s.text(members["revision"], "revision")
	manifest := s.exactly(members["manifest"], "manifest", "digest", "size")
	read.manifest = s.digest(manifest["digest"], "manifest")
	read.size = s.count(manifest["size"], "manifest")
	return read
}

var objectID = regexp.MustCompile(`^[^/]*/[^/]+/[^/]*/[^/]+$`)

// exactlySparing takes an application that may say besides what of it is not deleted.
func (s *shape) exactlySparing(members object, names ...string) {
	if undo, ok := members["undo"]; ok {
		s.need(undo == true, "undo")
		names = append(names, "undo")
	}
	if leave, ok := members["leave"]; ok {
		names = append(names, "leave")
		list, ok := leave.([]any)
		s.need(ok && len(list) > 0 && len(list) <= mostLeft, "leave")
		for at, item := range list {
			id := s.text(item, "leave")
			s.need(id == "*" && len(list) == 1 || len(id) <= 1024 && objectID.MatchString(id), "leave")
			s.need(at == 0 || list[at-1].(string) < id, "leave")
		}
	}
	s.exactly(members, "application", names...)
}

var nonceText = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

func parseFreshness(payload []byte) (*freshness, error) {
	s := &shape{code: "freshness_invalid"}
	value := s.statement(payload, "aud", "auditHead", "epoch", "expiresAt", "fleet", "issuedAt", "nonce",
		"rootVersion", "sequence", "snapshot")
	read := &freshness{
		fleet:       s.filled(value["fleet"], "fleet"),
		aud:         s.filled(value["aud"], "aud"),
		nonce:       s.text(value["nonce"], "nonce"),
		issuedAt:    s.time(value["issuedAt"], "issuedAt"),
		expires:     s.time(value["expiresAt"], "expiresAt"),
		epoch:       s.positive(value["epoch"], "epoch"),
		rootVersion: s.positive(value["rootVersion"], "rootVersion"),
		sequence:    s.count(value["sequence"], "sequence"),
		snapshot:    s.digestOrNil(value["snapshot"], "snapshot"),
	}
	s.need(nonceText.MatchString(read.nonce), "nonce")
	s.need((read.sequence == 0) == (read.snapshot == nil), "snapshot")
	if value["auditHead"] != nil {
		head := s.exactly(value["auditHead"], "auditHead", "digest", "index")
		read.head = &auditHead{
			index:  s.count(head["index"], "auditHead"),
			digest: s.digest(head["digest"], "auditHead"),
		}
	}
	return read, s.wrong
}
