package postgres

import (
	"context"
	"strconv"
)

var sizeOf = prepared("size", "SELECT pg_database_size(current_database())::text")

// Size is how many bytes the database takes.
func (e *Engine) Size(ctx context.Context) (size int64, err error) {
	err = e.read(ctx, sizeOf, func(values [][]byte) (err error) {
		size, err = strconv.ParseInt(string(values[0]), 10, 64)
		return err
	})
	return size, err
}
