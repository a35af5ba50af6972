// Makes certificates as SPIRE does: templates like those of its credtemplate package and of its upstream CA, given to
// Go's x509.CreateCertificate without a source of randomness, so that ECDSA signatures are those of RFC 6979.
//
// It reads a JSON array of jobs (tests/oracles/issuing.py) and prints a JSON array of hexadecimal DER.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"strings"
	"time"
)

type name struct {
	Country            []string `json:"country"`
	Organization       []string `json:"organization"`
	OrganizationalUnit []string `json:"organizational_unit"`
	Locality           []string `json:"locality"`
	Province           []string `json:"province"`
	StreetAddress      []string `json:"street_address"`
	PostalCode         []string `json:"postal_code"`
	CommonName         string   `json:"common_name"`
	SerialNumber       string   `json:"serial_number"`
}

type job struct {
	Profile       string   `json:"profile"`
	Serial        string   `json:"serial"`
	NotBefore     int64    `json:"not_before"`
	NotAfter      int64    `json:"not_after"`
	URI           string   `json:"uri"`
	DNSNames      []string `json:"dns_names"`
	Subject       name     `json:"subject"`
	ChainLength   int      `json:"chain_length"`
	Key           string   `json:"key"`
	Signer        string   `json:"signer"`
	SignerSubject name     `json:"signer_subject"`
	Name          string   `json:"name"` // of profile "copied_name": DER, whose copy is wanted
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func (n name) pkix() pkix.Name {
	return pkix.Name{
		Country: n.Country, Organization: n.Organization, OrganizationalUnit: n.OrganizationalUnit,
		Locality: n.Locality, Province: n.Province, StreetAddress: n.StreetAddress, PostalCode: n.PostalCode,
		CommonName: n.CommonName, SerialNumber: n.SerialNumber,
	}
}

func signer(pkcs8 string) crypto.Signer {
	key := must(x509.ParsePKCS8PrivateKey(must(hex.DecodeString(pkcs8))))
	return key.(crypto.Signer)
}

func keyID(public crypto.PublicKey) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	must(asn1.Unmarshal(must(x509.MarshalPKIXPublicKey(public)), &info))
	sum := sha1.Sum(info.Key.Bytes)
	return sum[:]
}

// parent is the certificate of the signer, parsed: SPIRE copies its subject from there.
func parent(key crypto.Signer, subject []byte) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: subject, SubjectKeyId: keyID(key.Public()),
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(nil, template, template, key.Public(), key))
	return must(x509.ParseCertificate(der))
}

func rdns(n pkix.Name) []byte {
	return must(asn1.Marshal(n.ToRDNSequence()))
}

func downstream(above *x509.Certificate, length int) pkix.Name {
	subject := above.Subject
	subject.OrganizationalUnit = []string{fmt.Sprintf("DOWNSTREAM-%d", length)}
	return subject
}

func certificate(j job) []byte {
	key, by := signer(j.Key), signer(j.Signer)
	serial, _ := new(big.Int).SetString(j.Serial, 10)
	template := &x509.Certificate{
		SerialNumber: serial,
		URIs:         []*url.URL{must(url.Parse(j.URI))},
		NotBefore:    time.Unix(j.NotBefore, 0),
		NotAfter:     time.Unix(j.NotAfter, 0),
		SubjectKeyId: keyID(key.Public()),

		BasicConstraintsValid: true,
	}
	above := template
	if j.Profile != "self_signed_ca" {
		above = parent(by, rdns(j.SignerSubject.pkix()))
		template.AuthorityKeyId = above.SubjectKeyId
	}
	switch {
	case j.Profile == "upstream_signed_ca":
		csr := &x509.CertificateRequest{Subject: j.Subject.pkix(), URIs: template.URIs}
		read := must(x509.ParseCertificateRequest(must(x509.CreateCertificateRequest(rand.Reader, csr, key))))
		template.RawSubject = read.RawSubject
		template.ExtraExtensions = read.Extensions
	case j.Profile == "downstream_ca":
		template.Subject = downstream(above, j.ChainLength)
	case j.Profile == "self_signed_ca":
		template.Subject = j.Subject.pkix()
	default:
		template.Subject = pkix.Name{Country: []string{"US"}, Organization: []string{"SPIRE"}}
		if len(j.DNSNames) > 0 {
			template.Subject.CommonName = j.DNSNames[0]
			template.DNSNames = j.DNSNames
		}
	}
	if strings.HasSuffix(j.Profile, "_ca") {
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		template.IsCA = true
	} else {
		template.KeyUsage = x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageDigitalSignature
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	return must(x509.CreateCertificate(nil, template, above, key.Public(), by))
}

func main() {
	var jobs []job
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		must(0, err)
	}
	answers := make([]string, 0, len(jobs))
	for _, j := range jobs {
		if j.Profile == "copied_name" {
			above := parent(signer(j.Signer), must(hex.DecodeString(j.Name)))
			answers = append(answers, hex.EncodeToString(rdns(downstream(above, j.ChainLength))))
			continue
		}
		answers = append(answers, hex.EncodeToString(certificate(j)))
	}
	must(0, json.NewEncoder(os.Stdout).Encode(answers))
}
