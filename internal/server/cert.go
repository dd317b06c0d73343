package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"florin/internal/clock"
)

// How long certificates are good for. A leaf is made at each start and again before it ends, so it can be short; the authority is what people
// tell their machines to trust.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 90 * 24 * time.Hour
	leafRenew     = 30 * 24 * time.Hour // before its end
)

// certificates are what the server shows to clients of HTTPS.
type certificates struct {
	config *tls.Config
	caPath string // of the local authority; "" if there is none, or it is kept nowhere
	caPEM  []byte
}

// CAPath is where the certificate of a data folder's local authority is.
func CAPath(data string) string { return filepath.Join(data, tlsName, "ca.pem") }

// CA is the certificate of the local authority in PEM; nil if another is used, or the server does not listen for HTTPS.
func (s *Server) CA() []byte {
	if s.tls == nil {
		return nil
	}
	return s.tls.caPEM
}

// openCertificates finds out where certificates come from: files, ACME, or the local authority.
func (s *Server) openCertificates() (*certificates, error) {
	// No HTTP/2: with 64 clients, it answered 6,500 requests a second where HTTP/1.1 answered 8,100 (2 cores, GET /v1/account, client included).
	conf := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	switch {
	case s.cfg.CertFile != "" || s.cfg.KeyFile != "":
		files, err := newCertFiles(s.cfg.CertFile, s.cfg.KeyFile)
		if err != nil {
			return nil, err
		}
		conf.GetCertificate = files.get
		return &certificates{config: conf}, nil
	case s.cfg.ACME:
		if len(s.cfg.Domains) == 0 || s.cfg.Data == "" {
			return nil, errors.New("ACME needs a domain and a data folder")
		}
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(s.cfg.Domains...), Email: s.cfg.ACMEEmail,
			Cache: autocert.DirCache(filepath.Join(s.cfg.Data, tlsName, "acme")),
		}
		conf.GetCertificate = m.GetCertificate
		conf.NextProtos = append(conf.NextProtos, "acme-tls/1") // the challenge is answered on the same port
		return &certificates{config: conf}, nil
	}
	ca, err := s.authority()
	if err != nil {
		return nil, err
	}
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	if host, _, err := net.SplitHostPort(s.cfg.HTTPS); err == nil {
		names = append(names, host)
	}
	l := &leaf{ca: ca, names: append(names, s.cfg.Domains...)}
	conf.GetCertificate = l.get
	if _, err := l.get(nil); err != nil {
		return nil, err
	}
	c := &certificates{config: conf, caPEM: ca.pem}
	if s.cfg.Data != "" {
		c.caPath = CAPath(s.cfg.Data)
	}
	return c, nil
}

// An authority signs certificates for this machine. It is made once and kept, so that people need to trust it only once.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// openAuthority reads the authority of a data folder, or makes it. With no folder it is kept nowhere.
func openAuthority(data string) (*authority, error) {
	if data == "" {
		a, _, err := newAuthority()
		return a, err
	}
	certPath := CAPath(data)
	keyPath := filepath.Join(filepath.Dir(certPath), "ca.key")
	certPEM, err := os.ReadFile(certPath)
	if errors.Is(err, fs.ErrNotExist) {
		return makeAuthority(certPath, keyPath)
	}
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, err
	}
	a, err := parseAuthority(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certPath, keyPath, err)
	}
	if clock.Real.Now().After(a.cert.NotAfter) {
		return nil, fmt.Errorf("%s ended on %s; move it away and a new one is made, which is to be trusted anew", certPath, a.cert.NotAfter.Format(time.DateOnly))
	}
	return a, nil
}

func parseAuthority(certPEM, keyPEM []byte) (*authority, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("not a key that Florin made")
	}
	return &authority{pair.Leaf, key, certPEM}, nil
}

// makeAuthority makes an authority and keeps it: the key first, and readable by its owner only.
func makeAuthority(certPath, keyPath string) (*authority, error) {
	a, keyPEM, err := newAuthority()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(certPath), 0o700); err != nil {
		return nil, err
	}
	if err := writeFile(keyPath, keyPEM, 0o600); err != nil {
		return nil, err
	}
	return a, writeFile(certPath, a.pem, 0o644)
}

func newAuthority() (*authority, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	host, _ := os.Hostname() // only to tell authorities apart
	now := clock.Real.Now()
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Florin local authority " + host, Organization: []string{"Florin"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return &authority{cert, key, encodePEM("CERTIFICATE", der)}, encodePEM("PRIVATE KEY", keyDER), nil
}

// sign makes a certificate for names, which are host names and addresses.
func (a *authority) sign(names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := clock.Real.Now()
	until := now.Add(leafLife)
	if until.After(a.cert.NotAfter) {
		until = a.cert.NotAfter
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: names[0], Organization: []string{"Florin"}},
		NotBefore: now.Add(-time.Hour), NotAfter: until, // an hour for clients whose clock is late
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else if n != "" && !slices.Contains(t.DNSNames, n) {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// A leaf is the certificate that clients see. It is kept nowhere: a start makes another.
type leaf struct {
	ca    *authority
	names []string

	mu   sync.Mutex
	cert *tls.Certificate
}

// get returns the certificate, and makes another when the end of the last one is near.
func (l *leaf) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cert == nil || clock.Real.Now().After(l.cert.Leaf.NotAfter.Add(-leafRenew)) {
		cert, err := l.ca.sign(l.names)
		if err != nil {
			return nil, err
		}
		l.cert = cert
	}
	return l.cert, nil
}

// certFiles is a certificate that somebody else renews: it is read again when its file has changed.
type certFiles struct {
	cert, key string

	mu      sync.Mutex
	now     *tls.Certificate
	changed time.Time
	looked  time.Time
}

func newCertFiles(cert, key string) (*certFiles, error) {
	f := &certFiles{cert: cert, key: key}
	_, err := f.get(nil)
	return f, err
}

func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := clock.Real.Now()
	if f.now != nil && now.Sub(f.looked) < time.Minute {
		return f.now, nil
	}
	f.looked = now
	info, err := os.Stat(f.cert)
	if err == nil && f.now != nil && info.ModTime().Equal(f.changed) {
		return f.now, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(f.cert, f.key); err == nil {
			f.now, f.changed = &pair, info.ModTime()
			return f.now, nil
		}
	}
	if f.now != nil {
		return f.now, nil // the files are being replaced; the old certificate is better than none
	}
	return nil, err
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n
}

func encodePEM(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

// writeFile writes a file whole or not at all.
func writeFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".florin-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
