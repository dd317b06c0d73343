package postgres

import (
	"context"
	"net/url"

	"github.com/jackc/pgx/v5/pgconn"
)

// Execute runs SQL in the schema of an address.
func Execute(address, sql string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	q := u.Query()
	schema := q.Get("schema")
	q.Del("schema")
	u.RawQuery = q.Encode()
	conf, err := pgconn.ParseConfig(u.String())
	if err != nil {
		return err
	}
	conf.RuntimeParams["search_path"] = identifier(schema)
	c, err := connect(context.Background(), conf)
	if err != nil {
		return err
	}
	defer c.close()
	return c.script(sql, nil)
}
