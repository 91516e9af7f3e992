package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const enrolService = "/groundswell.v1.EnrolService/"

// What one enrolment may take.
const enrolLimit = 20 * time.Second

var tokenText = regexp.MustCompile(`^gsw1\.([a-z0-9]{10})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})\.([0-9a-f]{64})$`)

// enrol joins the fleet with a one-use token, as agent/link/enrol.ts does: the hub's CA and the root
// statement are those the token pins, and its secret never travels.
func (l *load) enrol(hub, token string) (*agent, error) {
	match := tokenText.FindStringSubmatch(token)
	if match == nil {
		return nil, errors.New("not a join token")
	}
	id, secret, caPin, rootPin := match[1], match[2], "sha256:"+match[3], "sha256:"+match[4]
	key, request, err := createKey()
	if err != nil {
		return nil, err
	}
	boundPublic, boundPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	on, err := openLink(hub, pinned(caPin), nil, l.count)
	if err != nil {
		return nil, err
	}
	defer on.close()
	defer time.AfterFunc(enrolLimit, on.close).Stop()
	begun, err := on.ask(enrolService+"Begin", message(nil).text(1, id))
	if err != nil {
		return nil, err
	}
	nonce := lastBytes(begun, 1)
	uid := createUID()
	secretKey := sha256.Sum256([]byte(secret))
	proof := hmac.New(sha256.New, secretKey[:])
	proof.Write([]byte(strings.Join([]string{
		"groundswell/enrol/v1", caPin, hexOf(request), hexOf(boundPublic), uid, hexOf(nonce),
	}, "|")))
	answer, err := on.ask(enrolService+"Enrol", message(nil).text(1, id).bytes(2, request).
		bytes(3, boundPublic).text(4, uid).bytes(5, proof.Sum(nil)).
		bytes(6, ed25519.Sign(boundPrivate, []byte("groundswell/bound/v1|"+hexOf(nonce)))).
		text(7, agentVersion).bytes(8, nonce))
	if err != nil {
		return nil, err
	}
	envelope := lastBytes(answer, 6)
	if digestOf(envelope).String() != rootPin {
		return nil, errors.New("the hub sent a root other than the token pins")
	}
	root, err := verifyRoot(envelope)
	if err != nil {
		return nil, err
	}
	config, err := l.mutual(lastBytes(answer, 3), lastBytes(answer, 4), key)
	if err != nil {
		return nil, err
	}
	return &agent{
		load: l,
		id: identity{
			fleet: root.fleet, cluster: string(lastBytes(answer, 1)),
			clusterID: string(lastBytes(answer, 2)), clusterUID: uid,
		},
		address: string(lastBytes(answer, 5)), from: l.addressFor(string(lastBytes(answer, 5))),
		tls: config, generation: lastNumber(answer, 8),
		root: root, rootEnvelope: envelope, accepted: position{epoch: root.epoch},
		have: map[digest]int{}, watch: newWatch(), reports: reports{dirty: map[string]bool{}},
	}, nil
}

// ask makes a call of one message each way.
func (l *link) ask(path string, request message) ([]field, error) {
	if err := l.call(path, request, true); err != nil {
		return nil, err
	}
	var reply []byte
	var how *ended
	if err := l.read(func(data []byte) { reply = data }); !errors.As(err, &how) || how.status != 0 {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return readFields(reply)
}

// pinned takes only a hub whose chain has the CA of this pin, and reads its name under that CA.
func pinned(caPin string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, ServerName: hubName,
		// The chain is judged below, by the CA that is pinned in it.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			for _, one := range state.PeerCertificates {
				if digestOf(one.RawSubjectPublicKeyInfo).String() == caPin && one.IsCA {
					roots := x509.NewCertPool()
					roots.AddCert(one)
					_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: hubName})
					return err
				}
			}
			return errors.New("the hub does not show the CA this join token was made for")
		},
	}
}

// mutual is how both sides know each other on the data listener. No session is ever resumed, as by no agent.
func (l *load) mutual(chain, ca []byte, key *ecdsa.PrivateKey) (*tls.Config, error) {
	own := tls.Certificate{PrivateKey: key}
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		own.Certificate = append(own.Certificate, block.Bytes)
	}
	if len(own.Certificate) == 0 {
		return nil, errors.New("no certificate came: has the cluster to be approved?")
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, ServerName: hubName,
		RootCAs: l.poolOf(string(ca)), Certificates: []tls.Certificate{own},
		SessionTicketsDisabled: true,
	}, nil
}

func createKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:            pkix.Name{CommonName: "groundswell-agent"},
		SignatureAlgorithm: x509.ECDSAWithSHA256,
	}, key)
	return key, request, err
}

// createUID makes one as Kubernetes does: a random UUID.
func createUID() string {
	var random [16]byte
	rand.Read(random[:])
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

func hexOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
