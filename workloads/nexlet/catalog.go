package nexlet

import (
	"cmp"
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
	w       *workload
	serving atomic.Pointer[serving]
}

type serving struct {
	library *library.Library
	server  *server.Server
	owner   events.Account
}

func (r *catalogRun) check() error {
	_, _, _, err := r.resolve()
	return err
}

// resolve returns the catalog's directory, and its owner's credentials and account.
func (r *catalogRun) resolve() (dir string, creds []byte, owner events.Account, err error) {
	if dir, err = r.dir(); err != nil {
		return "", nil, owner, err
	}
	if creds, err = r.w.creds(); err != nil {
		return "", nil, owner, err
	}
	owner, err = accountOf(creds)
	return dir, creds, owner, err
}

// dir returns the catalog's directory, which lies in the directory that the nexlet's operator gave to catalogs: a user
// who may deploy must not be able to read the rest of this machine.
func (r *catalogRun) dir() (string, error) {
	dir := r.w.start.Catalog.Dir
	catalogs := r.w.n.cfg.Catalogs
	if catalogs == "" {
		return "", errors.New("this nexlet serves no catalogs: " +
			"its operator gave it no directory for them (NATSTER_CATALOGS_DIR)")
	}
	root, err := filepath.EvalSymlinks(catalogs)
	if err != nil {
		return "", fmt.Errorf("the nexlet's directory of catalogs: %w", err)
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, dir))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("catalog directory %q: there is none in the nexlet's directory of catalogs, %s",
			dir, catalogs)
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
	dir, creds, owner, err := r.resolve()
	if err != nil {
		return err
	}
	name, err := events.ParseCatalog(r.w.start.Catalog.Name)
	if err != nil {
		return err
	}
	// What is known of the files is kept between runs, so that they are not all read again.
	files := filepath.Join(r.w.n.cfg.State, "catalogs")
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
	nc, err := r.w.n.cfg.Dial(ctx, creds, nats.Name("nexlet catalog "+name.String()))
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

// accountOf returns the account of a credentials file's user.
func accountOf(creds []byte) (events.Account, error) {
	var claims *jwt.UserClaims
	token, err := jwt.ParseDecoratedJWT(creds)
	if err == nil {
		claims, err = jwt.DecodeUserClaims(token)
	}
	if err != nil { // which may quote a secret
		return events.Account{}, errors.New("the owner's credentials are not a NATS credentials file")
	}
	return events.ParseAccount(cmp.Or(claims.IssuerAccount, claims.Issuer))
}
