package server

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"florin/internal/backup"
	"florin/internal/store"
	"florin/internal/store/sqlite"
)

// The first and the last entry of the archive that GET /backup answers with: a backup.Header as JSON, and nothing.
const (
	BackupHeader = "florin.json"
	BackupEnd    = "florin.end"
)

// imager is an engine that can give its file as it was at one moment.
type imager interface {
	Image(ctx context.Context) (*sqlite.Image, error)
}

// backup answers with all that is kept, as a tar archive: the store as it is at this moment, then the blobs, of which there are then all that the
// store names. ?records asks for records where the engine could give its pages, ?keys for the master keys and the certificates.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", Outcome)
	w.Header().Set("Content-Type", "application/x-tar")
	w.WriteHeader(http.StatusOK)
	a := &archive{tar.NewWriter(w)}
	err := s.writeBackup(r.Context(), a, r.FormValue("records") != "", r.FormValue("keys") != "")
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		w.Header().Set(Outcome, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

func (s *Server) writeBackup(ctx context.Context, a *archive, records, keys bool) error {
	engine, pages := s.db.Engine().(imager)
	pages = pages && !records
	h := backup.Header{Taken: s.clock.Now().Unix(), Engine: backup.EngineRecords, MasterKeys: s.Vault.Keys()}
	if pages {
		h.Engine = backup.EnginePages
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := a.add(BackupHeader, text); err != nil {
		return err
	}
	if pages {
		err = a.image(ctx, engine)
	} else {
		err = a.records(ctx, s.db)
	}
	if err != nil {
		return err
	}
	err = s.files.Each(func(name string) error {
		content, err := s.files.Get(name)
		if err != nil {
			return err
		}
		return a.add(backup.Blobs+name, content)
	})
	switch {
	case err != nil:
	case keys:
		err = a.folder(s.cfg.Data, vaultName, tlsName)
	case s.Vault.Wrapped(): // only who has the program that wrapped it can read it
		err = a.folder(s.cfg.Data, vaultName)
	}
	if err != nil {
		return err
	}
	return a.add(BackupEnd, nil)
}

// An archive is a tar archive that is being written.
type archive struct{ *tar.Writer }

func (a *archive) header(name string, size int64) error {
	return a.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, Format: tar.FormatPAX})
}

func (a *archive) add(name string, content []byte) error {
	if err := a.header(name, int64(len(content))); err != nil {
		return err
	}
	_, err := a.Write(content)
	return err
}

// image adds the database file. The image is closed at the end, and until then the engine's log grows.
func (a *archive) image(ctx context.Context, engine imager) error {
	img, err := engine.Image(ctx)
	if err != nil {
		return err
	}
	defer img.Close()
	if err := a.header(backup.Database, img.Size); err != nil {
		return err
	}
	_, err = img.WriteTo(a)
	return err
}

func (a *archive) records(ctx context.Context, db *store.DB) error {
	snap, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	return backup.Parts(snap, a.add)
}

// folder adds files and folders of the data folder, those that are there.
func (a *archive) folder(data string, names ...string) error {
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(data, name), func(file string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(data, file)
			if err != nil {
				return err
			}
			return a.add(path.Join(backup.Keys, filepath.ToSlash(rel)), content)
		})
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// ReadArchive gives the header of an archive of GET /backup, and its files. The last file is followed by the error that ended, if that is one's
// answer, or io.EOF.
func ReadArchive(in io.Reader, ended func() error) (h backup.Header, next backup.Next, err error) {
	t := tar.NewReader(in)
	first, err := t.Next()
	if err == nil && first.Name != BackupHeader {
		err = fmt.Errorf("the archive begins with %s", first.Name)
	}
	if err == nil {
		err = json.NewDecoder(t).Decode(&h)
	}
	if err != nil {
		return h, nil, fmt.Errorf("backup: %w", err)
	}
	return h, func() (string, io.Reader, error) {
		entry, err := t.Next()
		switch {
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		case err == nil && entry.Name == BackupEnd:
			_, err = io.Copy(io.Discard, in)
			if err == nil {
				err = ended()
			}
			if err == nil {
				err = io.EOF
			}
		case err == nil:
			return entry.Name, t, nil
		}
		if err != io.EOF {
			if why := ended(); why != nil {
				err = why
			}
		}
		return "", nil, err
	}, nil
}
