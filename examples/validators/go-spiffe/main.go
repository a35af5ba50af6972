// Command go-spiffe answers, line by line, whether go-spiffe accepts a document: the line protocol of spiffesim.
package main

import (
	"bufio"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// question is a line of standard input. Which members it has depends on its kind; byte strings are in base64.
type question struct {
	ID   json.Number `json:"id"`
	Kind string      `json:"kind"`
	Now  time.Time   `json:"now"`

	// x509-svid
	ChainDER    [][]byte `json:"chain_der"`
	BundleDER   [][]byte `json:"bundle_der"`
	TrustDomain string   `json:"trust_domain"` // also of a bundle

	// jwt-svid
	Token    string   `json:"token"`
	Audience string   `json:"audience"`
	Bundles  []bundle `json:"bundles"`

	Text     string `json:"text"`     // spiffe-id
	Document []byte `json:"document"` // bundle
}

type bundle struct {
	TrustDomain string            `json:"trust_domain"`
	JWTSPKI     map[string][]byte `json:"jwt_spki"`
}

// answer is a line of standard output. Accepted is nil where go-spiffe is not asked.
type answer struct {
	ID       json.Number `json:"id"`
	Accepted *bool       `json:"accepted"`
	Reason   string      `json:"reason"`
}

var errNotJudged = errors.New("go-spiffe does not judge this")

func judge(t *testing.T, asked *question) error {
	switch asked.Kind {
	case "spiffe-id":
		_, err := spiffeid.FromString(asked.Text)
		return err
	case "x509-svid":
		return judgeX509SVID(asked)
	case "jwt-svid":
		return judgeJWTSVID(t, asked)
	case "bundle":
		td, err := spiffeid.TrustDomainFromString(asked.TrustDomain)
		if err != nil {
			return err
		}
		_, err = spiffebundle.Parse(td, asked.Document)
		return err
	default: // go-spiffe has no bundle maps, and reads WIT-SVIDs without their proof of possession
		return errNotJudged
	}
}

func judgeX509SVID(asked *question) error {
	td, err := spiffeid.TrustDomainFromString(asked.TrustDomain)
	if err != nil {
		return err
	}
	held := x509bundle.New(td)
	for _, der := range asked.BundleDER {
		authority, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("the bundle: %w", err)
		}
		held.AddX509Authority(authority)
	}
	_, _, err = x509svid.ParseAndVerify(asked.ChainDER, held, x509svid.WithTime(asked.Now))
	return err
}

// judgeJWTSVID has the token judged at the instant of the question. jwtsvid looks at the clock by itself, so it is
// called where the clock is not the real one: in a bubble of testing/synctest, where sleeping takes no time.
func judgeJWTSVID(t *testing.T, asked *question) error {
	held := jwtbundle.NewSet()
	for _, each := range asked.Bundles {
		td, err := spiffeid.TrustDomainFromString(each.TrustDomain)
		if err != nil {
			return err
		}
		keys := map[string]crypto.PublicKey{}
		for id, spki := range each.JWTSPKI {
			if keys[id], err = x509.ParsePKIXPublicKey(spki); err != nil {
				return fmt.Errorf("the bundle: %w", err)
			}
		}
		held.Add(jwtbundle.FromJWTAuthorities(td, keys))
	}
	err := errNotJudged
	synctest.Test(t, func(*testing.T) {
		if wait := time.Until(asked.Now); wait >= 0 { // its clock starts with the year 2000
			time.Sleep(wait)
			_, err = jwtsvid.ParseAndValidate(asked.Token, held, []string{asked.Audience})
		}
	})
	return err
}

func serve(t *testing.T, in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			return err
		}
		told := answer{ID: asked.ID}
		if err := judge(t, &asked); err != nil {
			told.Reason = err.Error()
			if !errors.Is(err, errNotJudged) {
				told.Accepted = new(bool)
			}
		} else {
			yes := true
			told.Accepted = &yes
		}
		if err := answers.Encode(told); err != nil {
			return err
		}
	}
}

// main runs as a test, which is what synctest asks for; it says PASS when there are no more questions.
func main() {
	served := testing.InternalTest{Name: "serve", F: func(t *testing.T) {
		if err := serve(t, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}}
	testing.Main(regexp.MatchString, []testing.InternalTest{served}, nil, nil)
}
