package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"florin/internal/keyring"
	"florin/internal/store"
	"florin/internal/store/postgres"
	"florin/internal/vault"
)

// Servers that keep the store in one PostgreSQL are its nodes. They share everything but their data folders, which hold what is a server's own: the
// request log, the socket for commands, certificates of ACME, and the file of master keys unless these are elsewhere. The master keys must be
// the same: a server that has others does not start (see package keyring).

// openPostgres opens the store, the vault and the request log.
func (s *Server) openPostgres() (err error) {
	log, ring := "", ""
	if s.cfg.Data != "" {
		if err := os.MkdirAll(s.cfg.Data, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
		log, ring = filepath.Join(s.cfg.Data, logName), filepath.Join(s.cfg.Data, vaultName)
	}
	open := postgres.Open
	if s.cfg.Idle {
		open = postgres.OpenIdle
	}
	engine, err := open(context.Background(), s.cfg.Postgres)
	if err != nil {
		return err
	}
	if s.db, err = store.Open(engine); err != nil {
		return errors.Join(err, engine.Close())
	}
	s.engine = engine
	s.record = NewRequestLog(log)
	if s.cfg.Vault == "" && ring == "" {
		s.Vault = vault.Memory()
		return nil
	}
	s.Vault, err = vault.Open(s.cfg.Vault, ring)
	return err
}

// authorityName is the name under which nodes keep their authority, sealed.
const authorityName = "tls authority"

// sealed is what is sealed and stands in no document: the blobs and, where nodes share one, their authority.
func (s *Server) sealed() keyring.Blobs {
	if s.engine == nil {
		return s.files
	}
	return &keptToo{s.engine}
}

// keptToo are the blobs of an engine, and the authority as if it were one more.
type keptToo struct{ *postgres.Engine }

func (k *keptToo) Each(yield func(name string) error) error {
	if err := k.Engine.Each(yield); err != nil {
		return err
	}
	return yield(authorityName)
}

func (k *keptToo) Get(name string) ([]byte, error) {
	if name == authorityName {
		return k.Kept(context.Background(), name)
	}
	return k.Engine.Get(name)
}

func (k *keptToo) Put(name string, content []byte) error {
	if name == authorityName {
		return k.Rekeep(context.Background(), name, content)
	}
	return k.Engine.Put(name, content)
}

// authority is the local authority: that of the data folder or, where several servers are one service, of all of them.
func (s *Server) authority() (*authority, error) {
	if s.engine == nil {
		return openAuthority(s.cfg.Data)
	}
	const name = authorityName
	sealed, err := s.engine.Keep(context.Background(), name, func() ([]byte, error) {
		a, key, err := newAuthority()
		if err != nil {
			return nil, err
		}
		return s.Vault.Seal(name, append(a.pem, key...)), nil
	})
	if err != nil {
		return nil, err
	}
	both, err := s.Vault.Open(name, sealed)
	if err != nil {
		return nil, fmt.Errorf("the authority in the database: %w", err)
	}
	at := strings.Index(string(both), "-----BEGIN PRIVATE KEY-----")
	if at < 0 {
		return nil, errors.New("the authority in the database has no key")
	}
	a, err := parseAuthority(both[:at:at], both[at:])
	if err != nil || s.cfg.Data == "" {
		return a, err
	}
	path := CAPath(s.cfg.Data) // for people, and for programs that are to trust it
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return a, writeFile(path, a.pem, 0o644)
}
