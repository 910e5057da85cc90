package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
)

// usageLine returns how cmd, or for nil natster itself, is typed.
func usageLine(cmd *cli.Command) string {
	if cmd == nil {
		return "natster COMMAND [ARGUMENTS]"
	}
	return cmd.UsageText
}

// help explains the command of l on stdout.
func (e *env) help(app *cli.App, l line) {
	cmd, title, usage, about := l.command(), app.Name, app.Usage, app.Description
	commands, flags := app.Commands, []cli.Flag(nil)
	if cmd != nil {
		title, usage, about = l.name(), cmd.Usage, cmd.Description
		commands, flags = cmd.Subcommands, cmd.Flags
	}
	w := e.Stdout
	fmt.Fprintf(w, "%s - %s\n", e.Out.Bold(title), usage)
	e.section("Usage")
	fmt.Fprintf(w, "   %s\n", usageLine(cmd))
	if about != "" {
		fmt.Fprintln(w)
		for _, line := range wrap(about, e.helpWidth()-3) {
			fmt.Fprintln(w, strings.TrimRight("   "+line, " "))
		}
	}
	e.helpCommands(commands)
	e.helpFlags("Flags", flags)
	e.helpFlags("Flags of every command", app.Flags)
	if cmd == nil {
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
		if category == "" {
			e.section("Commands")
		} else {
			e.section(category)
		}
		for _, c := range commands {
			if c.Category == category && !c.Hidden {
				fmt.Fprintf(e.Stdout, "   %s  %s\n", e.Out.Cyan(fmt.Sprintf("%-*s", width, c.Name)), c.Usage)
			}
		}
	}
}

func (e *env) helpFlags(title string, flags []cli.Flag) {
	var rows [][2]string
	width := 0
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		placeholder, usage := unquoteUsage(d)
		var names []string
		for _, n := range f.Names() {
			names = append(names, dashed(n))
		}
		name := strings.Join(names, ", ")
		if placeholder != "" {
			name += " " + placeholder
		}
		if v := d.GetDefaultText(); v != "" && d.TakesValue() {
			usage += " (default: " + strings.Trim(v, `"`) + ")"
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

// unquoteUsage returns the name of a flag's value, which stands in its usage between back quotes, and the usage without
// them.
func unquoteUsage(d cli.DocGenerationFlag) (placeholder, usage string) {
	usage = d.GetUsage()
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		if name, after, ok := strings.Cut(rest, "`"); ok {
			return name, before + name + after
		}
	}
	if d.TakesValue() {
		return "VALUE", usage
	}
	return "", usage
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
	for _, line := range wrap(t.text, e.helpWidth()-3) {
		fmt.Fprintln(e.Stdout, strings.TrimRight("   "+line, " "))
	}
}
