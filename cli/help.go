package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
)

// help explains a command on stdout.
func (e *env) help(app *cli.App, cmd *cli.Command) {
	w := e.Stdout
	fmt.Fprintf(w, "%s - %s\n", e.Out.Bold(fullName(cmd)), cmd.Usage)
	e.section("Usage")
	fmt.Fprintf(w, "   %s\n", cmd.UsageText)
	if cmd.Description != "" {
		fmt.Fprintln(w)
		e.paragraphs(cmd.Description)
	}
	e.helpCommands(cmd.Subcommands)
	e.helpFlags("Flags", cmd.Flags)
	e.helpFlags("Flags of every command", app.Flags)
	if cmd.Name == app.Name {
		fmt.Fprintf(w, "\n%s\n",
			e.Out.Dim("natster help COMMAND explains a command, with an example; also explained: "+
				term.List(slices.Sorted(maps.Keys(topics)))+"."))
	}
}

// helpWidth returns how wide text may be: as wide as the terminal, and at most 100 columns.
func (e *env) helpWidth() int {
	if w := e.Out.Width; w >= 40 && w < 100 {
		return w
	}
	return 100
}

// wrap breaks paragraphs into lines of at most width columns. Indented lines, which can be typed, stay as they are.
func wrap(text string, width int) []string {
	var lines []string
	current := ""
	flush := func() {
		if current != "" {
			lines, current = append(lines, current), ""
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == ' ' {
			flush()
			lines = append(lines, line)
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if current != "" && len([]rune(current))+1+len([]rune(word)) > width {
				flush()
			}
			if current != "" {
				current += " "
			}
			current += word
		}
	}
	flush()
	return lines
}

// paragraphs prints text, indented.
func (e *env) paragraphs(text string) {
	for _, line := range wrap(text, e.helpWidth()-3) {
		fmt.Fprintln(e.Stdout, strings.TrimRight("   "+line, " "))
	}
}

func (e *env) section(name string) {
	fmt.Fprintf(e.Stdout, "\n%s:\n", e.Out.Bold(name))
}

// helpCommands lists commands by category, in the order in which categories appear.
func (e *env) helpCommands(commands []*cli.Command) {
	var categories []string
	width := 0
	for _, c := range commands {
		if !slices.Contains(categories, c.Category) {
			categories = append(categories, c.Category)
		}
		width = max(width, len(c.Name))
	}
	for _, category := range categories {
		e.section(cmp.Or(category, "Commands"))
		for _, c := range commands {
			if c.Category == category {
				fmt.Fprintf(e.Stdout, "   %s  %s\n", e.Out.Cyan(fmt.Sprintf("%-*s", width, c.Name)), c.Usage)
			}
		}
	}
}

func (e *env) helpFlags(title string, flags []cli.Flag) {
	var rows [][2]string
	width := 0
	for _, f := range flags {
		value, usage := described(f)
		name := strings.Join(hint.Names(f.Names(), dashed), ", ")
		if value != "" {
			name += " " + value
			if v := f.(cli.DocGenerationFlag).GetDefaultText(); v != "" {
				usage += " (default: " + strings.Trim(v, `"`) + ")"
			}
		}
		rows = append(rows, [2]string{name, usage})
		width = max(width, len(name))
	}
	if len(rows) == 0 {
		return
	}
	e.section(title)
	for _, r := range rows {
		usage := strings.Join(wrap(r[1], max(20, e.helpWidth()-width-5)), "\n"+strings.Repeat(" ", width+5))
		fmt.Fprintf(e.Stdout, "   %s  %s\n", e.Out.Cyan(fmt.Sprintf("%-*s", width, r[0])), usage)
	}
}

// described returns the name of a flag's value, which stands in its usage between back quotes, and the usage without
// them. The name is empty if the flag takes no value.
func described(f cli.Flag) (value, usage string) {
	d := f.(cli.DocGenerationFlag) // as all flags of the library are
	usage = d.GetUsage()
	if !d.TakesValue() {
		return "", usage
	}
	before, rest, _ := strings.Cut(usage, "`")
	value, after, _ := strings.Cut(rest, "`")
	return value, before + value + after
}

// topics are what natster help explains in addition to commands.
var topics = map[string]struct{ usage, text string }{
	"environment": {"the variables that natster reads", `Whom to act as, and where. The first of these that is set
counts; then the context in use (natster context use):

   --context NAME           a context of natster's
   NATSTER_CONTEXT          the same
   NATS_CONTEXT             a context of the nats command: a name in $XDG_CONFIG_HOME/nats/context, or a file
   NATS_URL, NATS_CREDS     a server, and a credentials file; each also takes the place of what NATS_CONTEXT says, and
                            NATS_URL alone is where to reach the world of the context in use

The account is the one that the credentials are for. If it is one that natster init made here, its catalogs and imports
are at hand as ever.

   NATS_URL=nats://nats.example.net NATS_CREDS=~/alice.creds natster whoami

Other variables:

   NATSTER_WORLD            directory of the world on this machine; --world DIR goes first
   NATSTER_NEX_URL          NATS of Nex (natster deploy --help), and NATSTER_NEX_CREDS, the credentials for it
   XDG_CONFIG_HOME          contexts and contacts are in natster below it; ~/.config if not set
   XDG_DATA_HOME            catalogs and the world are in natster below it; ~/.local/share if not set
   XDG_CACHE_HOME           what can be made anew; ~/.cache if not set
   NO_COLOR                 no colours`},
	"json": {"what --json prints", `Every command prints its result as one JSON value; what goes on prints one value a
line. The same thing has the same name everywhere:

   account      an account's key, A…; owner, from and to are accounts too
   name         what a person or a context is called
   catalog      a catalog's name
   path         of a file in its catalog
   directory    a directory on this machine, and file a file there
   bytes        a size, as a number
   mime_type    type/subtype
   hash         SHA-256, 64 hexadecimal digits
   modified     when a file was last changed
   online       whether a catalog is being served now

Times are RFC 3339 in UTC. What is not known is left out; a list without elements is []. An error is an object on
stderr, and the exit code is what it is without --json: 1 failed, 2 misused, 130 interrupted.

   {"error":"films: nobody serves the catalog now","try":"natster catalog ls"}

   natster ls --json
   natster catalog contents films --json | jq -r '.entries[].path'`},
}

// explain prints a topic on stdout.
func (e *env) explain(topic string) {
	t := topics[topic]
	fmt.Fprintf(e.Stdout, "%s - %s\n\n", e.Out.Bold("natster help "+topic), t.usage)
	e.paragraphs(t.text)
}
