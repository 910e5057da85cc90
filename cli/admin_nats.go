package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/internal/private"
)

func (e *env) writeNATSContexts(ctx context.Context, c *cli.Context, _ []string) error {
	dir, err := e.adminDir(c.String("world"))
	if err != nil {
		return err
	}
	rows, err := e.natsContexts(ctx, dir)
	if err != nil {
		return err
	}
	return e.Print(rows, func() {
		t := term.Table{Head: []string{"CONTEXT", "WHAT", "FILE"}}
		for _, r := range rows {
			t.Row(r.Name, r.what, r.File)
		}
		e.Table(t)
		e.Say("\nThey are good for as long as the world is at %s; then do it again.", rows[0].URL)
		e.Say("\nNext: %s", e.Out.Bold(e.natsCommand()+" --context natster-admin micro ls"))
	})
}

// natsCommand returns how to type nats so that it finds its contexts. Without XDG_CONFIG_HOME it does not look at HOME,
// but at the home directory that the system has for this user.
func (e *env) natsCommand() string {
	dir, err := e.dirs.NATSContexts()
	if err != nil || filepath.IsAbs(e.Getenv("XDG_CONFIG_HOME")) {
		return "nats"
	}
	config := filepath.Dir(filepath.Dir(dir))
	if u, err := user.Current(); err == nil && filepath.Join(u.HomeDir, ".config") == config {
		return "nats"
	}
	return "XDG_CONFIG_HOME=" + term.ShellWord(config) + " nats"
}

// A natsContextRow is a context of the nats command that was written.
type natsContextRow struct {
	Name    string         `json:"name"`
	Account events.Account `json:"account"`
	URL     string         `json:"url"`
	Creds   string         `json:"creds"`
	File    string         `json:"file"`
	what    string
}

// ours is how the description of each begins: a file without it was not written by natster.
const ours = "natster: "

// natsContexts writes the contexts for the world in dir: all, or none if a name is taken.
func (e *env) natsContexts(ctx context.Context, dir string) ([]natsContextRow, error) {
	info, err := world.Find(dir)
	if err != nil {
		return nil, err
	}
	keeper, err := world.OpenKeeper(dir)
	if err != nil {
		return nil, err
	}
	config, err := e.dirs.Config()
	if err != nil {
		return nil, err
	}
	to, err := e.dirs.NATSContexts()
	if err != nil {
		return nil, err
	}
	known := keeper.WellKnown()
	rows := []natsContextRow{
		{Name: "natster-admin", Account: known.Data, what: "JetStream, and discovery of the functions: everything"},
		{Name: "natster-system", Account: known.System, what: "the server itself"},
	}
	for i := range rows {
		rows[i].Creds = filepath.Join(config, "nats", rows[i].Name+".creds")
	}
	if s, err := e.session(); err == nil && s.me.World == dir {
		rows = append(rows, natsContextRow{
			Name: "natster-me", Account: s.me.Account, Creds: s.store.CredsFile(s.me),
			what: "account " + s.me.AccountName,
		})
	}
	for i := range rows {
		rows[i].URL, rows[i].File = info.URL, filepath.Join(to, rows[i].Name+".json")
		if err := checkOurs(rows[i].File); err != nil {
			return nil, err
		}
	}
	for _, r := range rows[:2] {
		creds, err := keeper.User(ctx, r.Account, accounts.AdminUser, accounts.Permissions{All: true})
		if err != nil {
			return nil, err
		}
		if err := contexts.WritePrivate(r.Creds, creds); err != nil {
			return nil, err
		}
	}
	for _, r := range rows {
		n := contexts.NATSContext{Description: ours + r.what, URL: r.URL, Creds: r.Creds, CA: selfSignedCA(dir, info)}
		text, err := json.MarshalIndent(n, "", "  ")
		if err != nil {
			return nil, err
		}
		if err := private.MkdirAll(to); err != nil { // not Mkdir: its mode is the nats command's business
			return nil, err
		}
		if err := private.WriteFile(r.File, append(text, '\n')); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// checkOurs fails when there is a file that natster did not write.
func checkOurs(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var n contexts.NATSContext
	if err == nil && (json.Unmarshal(text, &n) != nil || !strings.HasPrefix(n.Description, ours)) {
		return fmt.Errorf("%s is there already and not natster's: move it away, and nothing is lost", path)
	}
	return err
}

// selfSignedCA returns the file of the certificate that the world in dir made for itself, or nothing.
func selfSignedCA(dir string, info world.Info) string {
	cert := filepath.Join(dir, "tls", "cert.pem")
	if _, err := os.Stat(cert); err != nil || info.Fingerprint == "" {
		return ""
	}
	return cert
}
