package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"florin/internal/backup"
	"florin/internal/domain/account"
	"florin/internal/domain/file"
	"florin/internal/store"
	"florin/internal/store/postgres"
	"florin/internal/store/sqlite"
	"florin/internal/vault"
)

// restoring is the folder in a data folder in which a restore works. While it is there, the restore has not ended.
const restoring = ".restoring"

// A Restored says what a restore came to.
type Restored struct {
	Name  string        `json:"name"`
	Taken int64         `json:"taken"` // Unix seconds
	Files int           `json:"files"`
	Size  int64         `json:"size"`
	Load  backup.Loaded `json:"loaded"`   // from records
	Keys  bool          `json:"has_keys"` // the backup had the master keys
	Wants []string      `json:"wants"`    // ids of master keys; the ring must have one of them
}

// Restore makes the data folder of a configuration of a backup, and fills its database if that is elsewhere. The folder must be empty, or not
// there. If the configuration says where the master keys are, the backup must be one that they open.
func Restore(ctx context.Context, b *backup.Backup, cfg Config) (*Restored, error) {
	data := cfg.Data
	out := &Restored{Name: b.Name, Taken: b.Taken, Files: len(b.Files), Size: b.Size(), Wants: b.MasterKeys}
	if err := mustBeEmpty(data); err != nil {
		return nil, err
	}
	if cfg.Vault != "" {
		if err := opens(b, cfg.Vault); err != nil {
			return nil, err
		}
	}
	if cfg.Postgres != "" && b.Engine != backup.EngineRecords {
		return nil, account.Problem("the backup is of a SQLite file: to bring it into another database, restore it, and back it up with --records")
	}
	work := filepath.Join(data, restoring)
	if err := os.MkdirAll(work, 0o700); err != nil {
		return nil, err
	}
	var parts []*backup.File
	for i := range b.Files {
		f := &b.Files[i]
		if strings.HasPrefix(f.Name, backup.Records) {
			parts = append(parts, f)
			continue
		}
		out.Keys = out.Keys || f.Name == backup.Keys+vaultName
		if err := extract(b, f, filepath.Join(work, filepath.FromSlash(strings.TrimPrefix(f.Name, backup.Keys)))); err != nil {
			return nil, err
		}
	}
	db := filepath.Join(work, dbName)
	var err error
	switch {
	case b.Engine == backup.EnginePages:
		err = sqlite.Verify(db)
	case b.Engine != backup.EngineRecords:
		err = fmt.Errorf("a backup of %q, which this Florin does not know", b.Engine)
	case cfg.Postgres != "":
		out.Load, err = loadPostgres(ctx, b, parts, cfg.Postgres, filepath.Join(work, filesName))
	default:
		if out.Load, err = loadSQLite(ctx, b, parts, db); err == nil {
			err = sqlite.Verify(db)
		}
	}
	if err != nil {
		return nil, err
	}
	return out, moveIn(work, data)
}

func mustBeEmpty(data string) error {
	entries, err := os.ReadDir(data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 1 && entries[0].Name() == restoring:
		return account.Problem("an earlier restore into " + data + " has not ended: remove the folder, and try again")
	case len(entries) > 0:
		return account.Problem(data + " is not empty: a backup is restored into a folder of its own")
	}
	return nil
}

// opens says whether the ring that a source names has a master key of the backup.
func opens(b *backup.Backup, source string) error {
	if strings.HasPrefix(source, "kms:") {
		return nil // its keys are in the ring's file, which is not there yet
	}
	v, err := vault.Open(source, "")
	if err != nil {
		return err
	}
	for _, id := range v.Keys() {
		if slices.Contains(b.MasterKeys, id) {
			return nil
		}
	}
	return account.Problem(fmt.Sprintf("the backup was sealed under the master key %s, and --vault has only %s",
		strings.Join(b.MasterKeys, ", "), strings.Join(v.Keys(), ", ")))
}

func extract(b *backup.Backup, f *backup.File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(b.Extract(f, out), out.Sync(), out.Close())
}

// loadSQLite loads records into a new database.
func loadSQLite(ctx context.Context, b *backup.Backup, parts []*backup.File, path string) (backup.Loaded, error) {
	engine, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return backup.Loaded{}, err
	}
	l, err := load(ctx, b, parts, engine)
	return l, errors.Join(err, os.Remove(path+".lock"))
}

// loadPostgres loads records into a database that has none, and the blobs, which are then no longer in the folder.
func loadPostgres(ctx context.Context, b *backup.Backup, parts []*backup.File, url, blobs string) (backup.Loaded, error) {
	engine, err := postgres.Open(ctx, url)
	if err != nil {
		return backup.Loaded{}, err
	}
	err = file.Folder(blobs).Each(func(name string) error {
		content, err := file.Folder(blobs).Get(name)
		if err == nil {
			err = engine.Put(name, content)
		}
		return err
	})
	if err != nil {
		return backup.Loaded{}, errors.Join(err, engine.Close())
	}
	l, err := load(ctx, b, parts, engine)
	return l, errors.Join(err, os.RemoveAll(blobs))
}

// load loads records into an engine, and closes it. What stands where in the indexes is asked of the kinds of this Florin.
func load(ctx context.Context, b *backup.Backup, parts []*backup.File, engine store.Engine) (l backup.Loaded, err error) {
	db, err := store.Open(engine)
	if err != nil {
		return l, errors.Join(err, engine.Close())
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	kinds, err := New(Config{}) // in memory
	if err != nil {
		return l, err
	}
	defer kinds.Close()
	return backup.Load(ctx, db, kinds.App.Entries, func(part func(io.Reader) error) error {
		for _, f := range parts {
			var text bytes.Buffer
			if err := b.Extract(f, &text); err != nil {
				return err
			}
			if err := part(&text); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	})
}

// moveIn moves what was restored to its place, the store last: a folder without it is no data folder.
func moveIn(work, data string) error {
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == dbName {
			continue
		}
		if err := os.Rename(filepath.Join(work, e.Name()), filepath.Join(data, e.Name())); err != nil {
			return err
		}
	}
	err = os.Rename(filepath.Join(work, dbName), filepath.Join(data, dbName))
	if err != nil && !errors.Is(err, os.ErrNotExist) { // it is elsewhere
		return err
	}
	if err := os.Remove(work); err != nil {
		return err
	}
	d, err := os.Open(data)
	if err != nil {
		return err
	}
	_ = d.Sync() // not every system can; the files themselves are on the disk
	return d.Close()
}
