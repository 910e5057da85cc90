package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/deploy/world"
)

// completionWord is what a shell's script puts at the end of a command line to have it completed. Before it are the words up
// to the one that is being typed, which may be empty: as they are meant, or with =bash as they are typed.
const completionWord = "--generate-bash-completion"

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
			script, ok := completionScripts[arg[0]]
			if !ok {
				return misused(c.Command, "no completion for %s: bash, zsh or fish", quoted(arg[0]))
			}
			_, err := io.WriteString(e.Stdout, script)
			return err
		}),
	}
}

// completing returns the words to complete, without the program's name, and whether they are as typed in bash, if that is
// what was asked for.
func completing(words []string) (typed []string, bash, asked bool) {
	n := len(words) - 1
	if n < 2 || words[n] != completionWord && words[n] != completionWord+"=bash" {
		return nil, false, false
	}
	return words[1:n], words[n] != completionWord, true
}

// complete prints what the last of words can become, one a line.
func (e *env) complete(ctx context.Context, app *cli.App, words []string, bash bool) {
	answer := func(s string) string { return s }
	if bash {
		words, answer = bashWords(words, e.Getenv("COMP_LINE"))
	}
	before, typing := words[:len(words)-1], words[len(words)-1]
	for _, s := range e.completions(ctx, app, before, typing) {
		if strings.HasPrefix(s, typing) {
			fmt.Fprintln(e.Stdout, answer(s))
		}
	}
}

// completions are the words that could stand where typing does, behind others.
func (e *env) completions(ctx context.Context, app *cli.App, before []string, typing string) []string {
	const context = "--context"
	if len(before) > 0 && before[len(before)-1] == context {
		return e.contextNames()
	}
	l, err := e.arrange(app, append([]string{app.Name}, before...))
	if err != nil {
		return nil // what is wrong already cannot be completed
	}
	e.actAs(l.context)
	commands, flags := app.Commands, app.Flags
	if cmd := l.command(); cmd != nil {
		commands, flags = cmd.Subcommands, append(cmd.Flags, app.Flags...)
	}
	var all []string
	switch {
	case strings.HasPrefix(typing, context+"="):
		for _, name := range e.contextNames() {
			all = append(all, context+"="+name)
		}
	case strings.HasPrefix(typing, "-") && !slices.Contains(before, "--"):
		for _, f := range flags {
			all = append(all, dashed(f.Names()[0]))
		}
	case l.help && len(l.path) == 0 && slices.Contains(before, "help"): // topics are no commands
		all = append(slices.Sorted(maps.Keys(topics)), commandNames(commands)...)
	case commands != nil:
		all = commandNames(commands)
	default:
		all = e.candidates(ctx, l.command(), l.words, typing)
	}
	return all
}

func commandNames(commands []*cli.Command) []string {
	var all []string
	for _, c := range commands {
		all = append(all, c.Name)
	}
	return all
}

func (e *env) contextNames() []string {
	s, err := e.contexts()
	if err != nil {
		return nil
	}
	var names []string
	all, _ := s.all() // what can be read is completed
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

// placeholder is the name of argument n in a usage; the last repeats if it ends with dots.
func placeholder(argsUsage string, n int) string {
	words := strings.Fields(argsUsage)
	if n >= len(words) {
		if len(words) == 0 || !strings.HasSuffix(words[len(words)-1], "...") && !strings.HasSuffix(words[len(words)-1], "...]") {
			return ""
		}
		n = len(words) - 1
	}
	return strings.Trim(words[n], "[].")
}

// candidates are the words that could stand for the next argument of cmd: the placeholder in its usage says what that is.
// Whatever cannot be found out now is left out.
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
		contacts, err := e.contacts()
		if err != nil {
			return nil
		}
		return contacts.names()
	case "CONTACT":
		contacts, err := e.contacts()
		if err != nil {
			return nil
		}
		var names []string
		for _, c := range contacts {
			if c.Known == "" {
				names = append(names, c.Name)
			}
		}
		return names
	case "CONTEXT":
		return e.contextNames()
	case "PROJECTION":
		var names []string
		for _, r := range world.Projections() {
			names = append(names, r.Name)
		}
		return names
	case "SHELL":
		return []string{"bash", "zsh", "fish"}
	}
	return e.catalogCandidates(ctx, cmd.Name, what, before, typing)
}

// completionScripts ask natster itself; what it has no answer for is completed as a file name. Behind a directory no space is
// added, so that one can go on.
var completionScripts = map[string]string{
	"bash": `# natster completion for bash
_natster() {
    local answer line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <(COMP_LINE=${line#"${COMP_WORDS[0]}"} "${COMP_WORDS[0]/#\~\//$HOME/}" "${COMP_WORDS[@]:1:COMP_CWORD}" ` + completionWord + `=bash 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -F _natster natster
`,
	"zsh": `#compdef natster
# natster completion for zsh
_natster() {
    local -a before answers
    before=("${(@Q)words[1,CURRENT-1]}")
    before[1]=${before[1]/#\~\//$HOME/}
    answers=("${(@f)$("${before[@]}" "${(Q)PREFIX}" ` + completionWord + ` 2>/dev/null)}")
    if [[ -n ${answers[1]} ]]; then
        compadd -S '' -- "${(@M)answers:#*/}"
        compadd -- "${(@)answers:#*/}"
    else
        compset -P '-*='
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -U compinit && compinit; }
compdef _natster natster
`,
	"fish": `# natster completion for fish
function __natster_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l plain (string unescape -- $cur; or string replace -r '^["\']' '' -- $cur)
    $words "$plain" ` + completionWord + ` 2>/dev/null
end
complete -c natster -f -n 'test (count (__natster_complete)) -gt 0' -a '(__natster_complete)'
`,
}
