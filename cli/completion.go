package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"natster/deploy/world"

	"github.com/urfave/cli/v2"
)

// completionWord is what a shell's script puts at the end of a command line to have it completed. Before it are the words
// up to the one that is being typed, and that one only if it is a flag.
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

// completing returns the words to complete, program name first, if that is what was asked for.
func completing(words []string) ([]string, bool) {
	n := len(words) - 1
	if n < 1 || words[n] != completionWord {
		return nil, false
	}
	return words[:n], true
}

// complete prints what can come next, one a line. The placeholder in the command's usage says what its argument is.
func (e *env) complete(ctx context.Context, app *cli.App, words []string) {
	var typing string
	switch last := words[len(words)-1]; {
	case last == "--context":
		words = []string{app.Name, "context", "use"}
	case len(words) > 1 && strings.HasPrefix(last, "-"):
		typing, words = last, words[:len(words)-1]
	}
	l, err := e.arrange(app, words)
	if err != nil {
		return // what is wrong already cannot be completed
	}
	e.actAs(l.context)
	commands, flags := app.Commands, app.Flags
	if cmd := l.command(); cmd != nil {
		commands, flags = cmd.Subcommands, append(cmd.Flags, app.Flags...)
	}
	var all []string
	switch {
	case typing != "":
		for _, f := range flags {
			all = append(all, dashed(f.Names()[0]))
		}
	case commands != nil:
		for _, c := range commands {
			all = append(all, c.Name)
		}
	default:
		all = e.candidates(ctx, l.command(), l.words)
	}
	for _, s := range all {
		if strings.HasPrefix(s, typing) {
			fmt.Fprintln(e.Stdout, s)
		}
	}
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

// candidates are the words that could stand for the next argument of cmd. Whatever cannot be found out now is left out.
func (e *env) candidates(ctx context.Context, cmd *cli.Command, before []string) []string {
	what := placeholder(cmd.ArgsUsage, len(before))
	switch what {
	case "ACCOUNT", "OWNER":
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
	case "PROJECTION":
		var names []string
		for _, r := range world.Projections() {
			names = append(names, r.Name)
		}
		return names
	case "SHELL":
		return []string{"bash", "zsh", "fish"}
	}
	return e.catalogCandidates(ctx, cmd.Name, what, before)
}

// completionScripts ask natster itself; what it has no answer for is completed as a file name.
var completionScripts = map[string]string{
	"bash": `# natster completion for bash
_natster() {
    local cur=${COMP_WORDS[COMP_CWORD]} words answer
    words=("${COMP_WORDS[@]:0:COMP_CWORD}")
    [[ $cur == -* ]] && words+=("$cur")
    COMPREPLY=()
    while IFS= read -r answer; do
        [[ $answer == "$cur"* ]] && COMPREPLY+=("$(printf %q "$answer")")
    done < <("${words[@]}" ` + completionWord + ` 2>/dev/null)
}
complete -o bashdefault -o default -F _natster natster
`,
	"zsh": `#compdef natster
# natster completion for zsh
_natster() {
    local -a words_before answers
    words_before=("${(@)words[1,CURRENT-1]}")
    [[ ${words[CURRENT]} == -* ]] && words_before+=("${words[CURRENT]}")
    answers=("${(@f)$("${words_before[@]}" ` + completionWord + ` 2>/dev/null)}")
    if [[ -n ${answers[1]} ]]; then
        compadd -- "${answers[@]}"
    else
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
    string match -q -- '-*' $cur; and set -a words $cur
    $words ` + completionWord + ` 2>/dev/null
end
complete -c natster -f -n 'test (count (__natster_complete)) -gt 0' -a '(__natster_complete)'
`,
}
