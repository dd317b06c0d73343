package server

import (
	"context"

	"florin/internal/domain/event"
	"florin/internal/sweep"
)

func (s *Server) sweeper() *sweep.Sweeper {
	return sweep.New(s.App, event.ShownFor, s.Accounts.Scopes, s.clock, s.log)
}

// Sweep removes at once what nobody can ask for any more; Work does it from time to time.
func (s *Server) Sweep(ctx context.Context) (sweep.Swept, error) { return s.sweeper().Sweep(ctx) }
