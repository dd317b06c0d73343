package postgres

import (
	"context"
	"fmt"

	"florin/internal/store"
)

var (
	patience = prepared("patience", "SELECT set_config('lock_timeout', '0', false)")
	lockLong = prepared("exclusive", "SELECT pg_advisory_lock($1::bigint)")
	getKept  = prepared("kept", "SELECT value FROM kept WHERE name = $1::text")
	putKept  = prepared("keep_value", "INSERT INTO kept (name, value) VALUES ($1::text, $2::bytea) ON CONFLICT DO NOTHING")
	newKept  = prepared("new_value", "UPDATE kept SET value = $2::bytea WHERE name = $1::text")
	getBlob  = prepared("blob", "SELECT value FROM blob WHERE name = $1::text")
	allBlobs = prepared("blobs", "SELECT name FROM blob")
	putBlob  = prepared("new_blob", "INSERT INTO blob (name, value) VALUES ($1::text, $2::bytea) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
)

// Exclusively runs f while no other node runs one of the same name.
func (e *Engine) Exclusively(ctx context.Context, name string, f func() error) error {
	if e.closed.Load() {
		return store.ErrClosed
	}
	c, err := connect(ctx, e.conf)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer c.close() // which lets the lock go
	c.send(patience)
	c.send(lockLong, int8Param(lockNumber(e.schema, "exclusive "+name)))
	if err := c.sync(0, nil, nil); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return f()
}

// Kept returns what all nodes have under a name; nil if nobody has made it.
func (e *Engine) Kept(ctx context.Context, name string) (value []byte, err error) {
	err = e.read(ctx, getKept, func(values [][]byte) error {
		value = append([]byte{}, values[0]...)
		return nil
	}, []byte(name))
	return value, err
}

// Keep returns what all nodes have under a name; the first to ask makes it.
func (e *Engine) Keep(ctx context.Context, name string, make func() ([]byte, error)) (value []byte, err error) {
	get := func() (err error) {
		value, err = e.Kept(ctx, name)
		return err
	}
	if err := get(); err != nil || value != nil {
		return value, err
	}
	err = e.Exclusively(ctx, "keep "+name, func() error {
		if err := get(); err != nil || value != nil {
			return err
		}
		made, err := make()
		if err != nil {
			return err
		}
		if _, err := e.run(ctx, putKept, nil, []byte(name), made); err != nil {
			return err
		}
		return get()
	})
	return value, err
}

// Rekeep writes what all nodes have under a name over: for what is sealed anew under another key.
func (e *Engine) Rekeep(ctx context.Context, name string, value []byte) error {
	if e.closed.Load() {
		return store.ErrClosed
	}
	_, err := e.run(ctx, newKept, nil, []byte(name), value)
	return err
}

// Put keeps the bytes of a file.
func (e *Engine) Put(name string, content []byte) error {
	if e.closed.Load() {
		return store.ErrClosed
	}
	if content == nil {
		content = []byte{}
	}
	_, err := e.run(context.Background(), putBlob, nil, []byte(name), content)
	return err
}

// Get returns the bytes of a file; nil if there are none.
func (e *Engine) Get(name string) (content []byte, err error) {
	err = e.read(context.Background(), getBlob, func(values [][]byte) error {
		content = append([]byte{}, values[0]...)
		return nil
	}, []byte(name))
	return content, err
}

// Each calls yield for the name of every file, until it fails.
func (e *Engine) Each(yield func(name string) error) error {
	var names []string
	if err := e.read(context.Background(), allBlobs, func(values [][]byte) error {
		names = append(names, string(values[0]))
		return nil
	}); err != nil {
		return err
	}
	for _, name := range names {
		if err := yield(name); err != nil {
			return err
		}
	}
	return nil
}
