package server

import (
	"context"
	"errors"
	"net/http"

	"florin/internal/domain/account"
	"florin/internal/keyring"
)

// keeping are the commands about what is kept: its keys, and copies of it.
//
//	GET  /vault           how many records are sealed under which master key
//	POST /vault/rotate    make a new master key, and rewrap everything under it
//	POST /vault/retire    take the old master keys out of the ring
//	GET  /export          what an account has, as JSON lines or CSV; see export.go
//	GET  /backup          everything, as a tar archive; see backup.go
func (s *Server) keeping(mux *http.ServeMux) {
	mux.HandleFunc("GET /backup", s.backup)
	mux.HandleFunc("GET /export", s.export)
	mux.HandleFunc("GET /vault", func(w http.ResponseWriter, r *http.Request) {
		st, err := s.keyring.Status(r.Context())
		tell(w, st, err)
	})
	mux.HandleFunc("POST /vault/rotate", func(w http.ResponseWriter, r *http.Request) {
		n, err := s.keyring.Rotate(r.Context())
		tell(w, &Rotated{n, s.Vault.Keys()}, mendable(err))
	})
	mux.HandleFunc("POST /vault/retire", func(w http.ResponseWriter, r *http.Request) {
		kept, err := s.keyring.Retire(r.Context())
		tell(w, &Retired{kept, s.Vault.Keys()}, mendable(err))
	})
}

// A Rotated says what a rotation did.
type Rotated struct {
	Rewrapped int64    `json:"rewrapped"`
	Keys      []string `json:"keys"` // ids of the master keys, oldest first
}

// A Retired says where the old master keys are now.
type Retired struct {
	Kept string   `json:"kept"` // a file
	Keys []string `json:"keys"`
}

// mendable makes of an error that the user of a command can mend a problem.
func mendable(err error) error {
	for _, known := range []error{keyring.ErrSameKey, keyring.ErrKeep, keyring.ErrInUse, keyring.ErrOldStays} {
		if errors.Is(err, known) {
			return account.Problem(known.Error())
		}
	}
	return err
}

// resume goes on with a rotation that was interrupted when the process ended.
func (s *Server) resume(ctx context.Context) {
	n, err := s.keyring.Resume(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.log.Error("the rotation of the master key does not end", "cause", err)
	case n > 0:
		s.log.Info("the rotation of the master key has ended", "rewrapped", n)
	}
}
