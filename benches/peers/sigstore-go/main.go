// Sigstore-go asked for the same as attestream: to parse and verify bundles that lie in memory, one after the other, on
// one core. It reads what to do from the file that is its argument, and writes what each case took to standard output.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Plan is what to do: so many bare verifications, and every case so often.
type Plan struct {
	Floor int    `json:"floor"`
	Cases []Case `json:"cases"`
}

// Case is a list of bundles that are taken in turn, under one trust root.
type Case struct {
	Name    string   `json:"name"`
	Root    string   `json:"root"`
	Bundles []string `json:"bundles"`
	// Keys are the PEM files of the bundles' keys; empty where certificates vouch.
	Keys  []string `json:"keys"`
	Times int      `json:"times"`
	// Lean leaves the predicate of the statement unread.
	Lean bool `json:"lean"`
}

// Took is what a case took of the processor, and whether every single bundle verified.
type Took struct {
	Name        string  `json:"name"`
	Count       int     `json:"count"`
	CPUSeconds  float64 `json:"cpuSeconds"`
	WallSeconds float64 `json:"wallSeconds"`
	Error       string  `json:"error,omitempty"`
}

func main() {
	// One core for Go's own threads too: the collector's work falls on the same one.
	runtime.GOMAXPROCS(1)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: sigstore-go-peer PLAN.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var plan Plan
	if err := json.Unmarshal(text, &plan); err != nil {
		return err
	}
	var all []Took
	floor, err := bare(plan.Floor)
	if err != nil {
		return err
	}
	all = append(all, floor)
	for _, one := range plan.Cases {
		took, err := one.run()
		if err != nil {
			took = Took{Name: one.Name, Error: err.Error()}
		}
		all = append(all, took)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// bare is the floor of this language: ECDSA over P-256 of 32 bytes, the key parsed before.
func bare(times int) (Took, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Took{}, err
	}
	digest := sha256.Sum256([]byte("floor"))
	signed, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return Took{}, err
	}
	return measure("floor", times, func(int) error {
		if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signed) {
			return errors.New("a good signature was refused")
		}
		return nil
	})
}

func (c Case) run() (Took, error) {
	trusted, err := root.NewTrustedRootFromPath(c.Root)
	if err != nil {
		return Took{}, err
	}
	var bundles [][]byte
	for _, path := range c.Bundles {
		text, err := os.ReadFile(path)
		if err != nil {
			return Took{}, err
		}
		bundles = append(bundles, text)
	}
	verifiers, policy, err := c.verifiers(trusted)
	if err != nil {
		return Took{}, err
	}
	one := func(at int) error {
		b := &bundle.Bundle{}
		if err := b.UnmarshalJSON(bundles[at%len(bundles)]); err != nil {
			return err
		}
		_, err := verifiers[at%len(verifiers)].Verify(b, policy)
		return err
	}
	// What is initialised once is not measured, and what would be refused is seen before.
	for at := range bundles {
		if err := one(at); err != nil {
			return Took{}, fmt.Errorf("%s: %w", c.Bundles[at], err)
		}
	}
	return measure(c.Name, c.Times, one)
}

// verifiers gives one per key, or one for all where certificates vouch, and who may have signed.
func (c Case) verifiers(trusted *root.TrustedRoot) ([]*verify.Verifier, verify.PolicyBuilder, error) {
	options := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	if c.Lean {
		options = append(options, verify.WithoutStatementPredicate())
	}
	if len(c.Keys) == 0 {
		anyone, err := verify.NewShortCertificateIdentity("", ".+", "", ".+")
		if err != nil {
			return nil, verify.PolicyBuilder{}, err
		}
		options = append(options, verify.WithSignedCertificateTimestamps(1))
		verifier, err := verify.NewVerifier(trusted, options...)
		policy := verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithCertificateIdentity(anyone))
		return []*verify.Verifier{verifier}, policy, err
	}
	var verifiers []*verify.Verifier
	for _, path := range c.Keys {
		key, err := material(path)
		if err != nil {
			return nil, verify.PolicyBuilder{}, err
		}
		verifier, err := verify.NewVerifier(root.TrustedMaterialCollection{trusted, key}, options...)
		if err != nil {
			return nil, verify.PolicyBuilder{}, err
		}
		verifiers = append(verifiers, verifier)
	}
	return verifiers, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithKey()), nil
}

func material(path string) (*root.TrustedPublicKeyMaterial, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM", path)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	always := root.NewExpiringKey(verifier, time.Time{}, time.Time{})
	return root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return always, nil }), nil
}

func measure(name string, times int, one func(int) error) (Took, error) {
	runtime.GC()
	cpu, begun := spent(), time.Now()
	for at := range times {
		if err := one(at); err != nil {
			return Took{}, err
		}
	}
	wall := time.Since(begun)
	return Took{Name: name, Count: times, CPUSeconds: (spent() - cpu).Seconds(), WallSeconds: wall.Seconds()}, nil
}

// spent is the processor time of this process, user and system.
func spent() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
