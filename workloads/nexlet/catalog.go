package nexlet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// A catalogRun serves one catalog, under the credentials of its owner.
type catalogRun struct {
	n   *Nexlet
	w   *workload
	env map[string]string

	serving atomic.Pointer[serving]
}

type serving struct {
	library *library.Library
	server  *server.Server
	owner   events.Account
}

func (r *catalogRun) check() error {
	if _, err := r.dir(); err != nil {
		return err
	}
	creds, err := r.creds()
	if err != nil {
		return err
	}
	_, err = accountOf(creds)
	return err
}

func (r *catalogRun) creds() ([]byte, error) {
	if sealed := r.env[EnvCreds]; sealed != "" {
		return []byte(sealed), nil
	}
	return r.n.cfg.Keys.Catalog(r.w.start.Catalog.Account())
}

// dir is the catalog's directory, which lies in the directory that the nexlet's operator gave to catalogs: who may
// deploy may not thereby read this machine.
func (r *catalogRun) dir() (string, error) {
	dir := r.w.start.Catalog.Dir
	if r.n.cfg.Catalogs == "" {
		return "", errors.New("this nexlet serves no catalogs: " +
			"its operator gave it no directory for them (NATSTER_CATALOGS_DIR)")
	}
	root, err := filepath.EvalSymlinks(r.n.cfg.Catalogs)
	if err != nil {
		return "", fmt.Errorf("the nexlet's directory of catalogs: %w", err)
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, dir))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("catalog directory %q: there is none in the nexlet's directory of catalogs, %s",
			dir, r.n.cfg.Catalogs)
	}
	if err != nil {
		return "", fmt.Errorf("catalog directory %q: %w", dir, err)
	}
	if path != root && !strings.HasPrefix(path, root+string(filepath.Separator)) {
		return "", fmt.Errorf("catalog directory %q leads out of the nexlet's directory of catalogs", dir)
	}
	return path, nil
}

func (r *catalogRun) run(ctx context.Context, ready func()) error {
	dir, err := r.dir()
	if err != nil {
		return err
	}
	creds, err := r.creds()
	if err != nil {
		return err
	}
	owner, err := accountOf(creds)
	if err != nil {
		return err
	}
	name, err := events.ParseCatalog(r.w.start.Catalog.Name)
	if err != nil {
		return err
	}
	// What is known of the files is kept between runs, so that they are not all read again.
	files := filepath.Join(r.n.cfg.State, "catalogs")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return err
	}
	lib, err := library.Open(ctx, library.Config{
		Dir: dir, Name: name, Logger: r.w.log,
		File: filepath.Join(files, owner.String()+"."+name.String()+".json"),
	})
	if err != nil {
		return err
	}
	nc, err := r.n.cfg.Dial(ctx, creds, nats.Name("nexlet catalog "+name.String()))
	if err != nil {
		return fmt.Errorf("connect to natster: %w", err)
	}
	defer nc.Close()
	defer r.serving.Store(nil)
	return server.Serve(ctx, server.Config{
		Conn: nc, Account: owner, Catalogs: []server.Library{lib}, Shares: api.NewClient(nc), Logger: r.w.log,
	}, func(s *server.Server) {
		r.serving.Store(&serving{lib, s, owner})
		ready()
	})
}

func (r *catalogRun) describe(meta map[string]string) {
	meta["catalog"] = r.w.start.Catalog.Name
	s := r.serving.Load()
	if s == nil {
		return
	}
	st := s.server.Usage()
	meta["owner"] = s.owner.String()
	meta["files"] = strconv.Itoa(len(s.library.Contents().Entries))
	meta["revision"] = strconv.FormatInt(s.library.Revision(), 10)
	meta["sessions"] = strconv.Itoa(st.Sessions + st.Pushes)
	meta["bytes_sent"] = strconv.FormatUint(st.Bytes, 10)
}

// accountOf is the account of a credentials file's user.
func accountOf(creds []byte) (events.Account, error) {
	token, err := jwt.ParseDecoratedJWT(creds)
	if err != nil {
		return events.Account{}, errors.New("the owner's credentials are no NATS credentials file")
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil {
		return events.Account{}, errors.New("the owner's credentials are no NATS credentials file")
	}
	issuer := claims.IssuerAccount
	if issuer == "" {
		issuer = claims.Issuer
	}
	return events.ParseAccount(issuer)
}
