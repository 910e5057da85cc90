package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/completion"
	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/world"
	"natster/functions"
)

func completionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print what makes your shell complete natster's commands and names",
		ArgsUsage: "SHELL",
		Category:  categoryLook,
		Description: `SHELL is bash, zsh or fish.

   bash   echo 'source <(natster completion bash)' >> ~/.bashrc
   zsh    echo 'source <(natster completion zsh)' >> ~/.zshrc
   fish   natster completion fish > ~/.config/fish/completions/natster.fish`,
		Action: args(1, 1, func(_ context.Context, c *cli.Context, arg []string) error {
			script, ok := completion.Script(arg[0])
			if !ok {
				return misused(c.Command, "no completion for %s: bash, zsh or fish", term.Quoted(arg[0]))
			}
			_, err := io.WriteString(e.Stdout, script)
			return err
		}),
	}
}

// complete prints what the last of words can be completed to, one a line.
func (e *env) complete(ctx context.Context, app *cli.App, words []string, bash bool) {
	answer := func(s string) string { return s }
	if bash {
		words, answer = completion.BashWords(words, e.Getenv("COMP_LINE"))
	}
	before, typing := words[:len(words)-1], words[len(words)-1]
	for _, s := range e.completions(ctx, app, before, typing) {
		if strings.HasPrefix(s, typing) {
			fmt.Fprintln(e.Stdout, answer(s))
		}
	}
}

// completions returns the words that could stand after before, where typing stands.
func (e *env) completions(ctx context.Context, app *cli.App, before []string, typing string) []string {
	const context = "--context"
	if len(before) > 0 && before[len(before)-1] == context {
		return e.contextNames()
	}
	l, err := e.arrange(app, append([]string{app.Name}, before...))
	if err != nil {
		return nil // a line that is wrong cannot be completed
	}
	e.actAs(l.context)
	commands := hint.Names(l.command.Subcommands, func(c *cli.Command) string { return c.Name })
	switch {
	case strings.HasPrefix(typing, context+"="):
		return hint.Names(e.contextNames(), func(name string) string { return context + "=" + name })
	case strings.HasPrefix(typing, "-") && !slices.Contains(before, "--"):
		flags := slices.Concat(l.command.Flags, app.Flags)
		return hint.Names(flags, func(f cli.Flag) string { return dashed(f.Names()[0]) })
	case l.help && l.command.Name == app.Name && slices.Contains(before, "help"): // topics are not commands
		return append(slices.Sorted(maps.Keys(topics)), commands...)
	case commands != nil:
		return commands
	}
	return e.candidates(ctx, l.command, l.words, typing)
}

func (e *env) contextNames() []string {
	s, err := e.contexts()
	if err != nil {
		return nil
	}
	return s.Names()
}

// placeholder returns the name of argument n in a usage; the last is repeated if it ends with dots.
func placeholder(argsUsage string, n int) string {
	words := strings.Fields(argsUsage)
	if n >= len(words) {
		if len(words) == 0 || !strings.HasSuffix(strings.TrimSuffix(words[len(words)-1], "]"), "...") {
			return ""
		}
		n = len(words) - 1
	}
	return strings.Trim(words[n], "[].")
}

// candidates returns the words that could be the next argument of cmd: the placeholder in its usage says what that is.
// What cannot be found out now is left out.
func (e *env) candidates(ctx context.Context, cmd *cli.Command, before []string, typing string) []string {
	what := placeholder(cmd.ArgsUsage, len(before))
	switch what {
	case "SHARED":
		return e.inboxNames(ctx, before)
	case "ACCOUNT", "OWNER":
		if what == "OWNER" {
			if all := e.inboxNames(ctx, before); len(all) > 0 {
				return all
			}
		}
		contacts, _ := e.contacts() // what cannot be read completes nothing
		return contacts.Names()
	case "CONTACT":
		all, _ := e.contacts() // likewise
		return slices.DeleteFunc(all, func(c contexts.Contact) bool { return c.Known != "" }).Names()
	case "BLOCKED":
		all, _ := e.contactsAndBlocked() // likewise
		all = slices.DeleteFunc(all, func(c contexts.Contact) bool { return !c.Blocked })
		return hint.Names(all, func(c contexts.Contact) string { return cmp.Or(c.Name, c.Account.String()) })
	case "CONTEXT":
		return e.contextNames()
	case "PROJECTION":
		return hint.Names(world.Projections(), projectionName)
	case "NAME=VALUE":
		all := functions.DefaultLimits().All()
		return hint.Names(all, func(l functions.Limit) string { return l.Name + "=" })
	case "SHELL":
		return completion.Shells()
	}
	return e.catalogCandidates(ctx, cmd.Name, what, before, typing)
}
