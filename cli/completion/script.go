// Package completion is how a shell and natster talk about a half-typed command line.
//
//	script.go  what a shell runs, and how it asks
//	bash.go    what words mean that bash has, half typed and quoted, and how to answer so
package completion

import (
	"maps"
	"slices"
)

// word is what a shell's script puts at the end of a command line to have it completed. Before it are the words up to
// the one that is being typed, which may be empty: as they are meant, or with =bash as they are typed.
const word = "--generate-bash-completion"

// Asked returns the words to complete, without the program's name, and whether they are as typed in bash, if args, a
// whole command line, asks for completion.
func Asked(args []string) (typed []string, bash, asked bool) {
	n := len(args) - 1
	if n < 2 || args[n] != word && args[n] != word+"=bash" {
		return nil, false, false
	}
	return args[1:n], args[n] != word, true
}

// Shells returns the shells that there is a script for.
func Shells() []string { return slices.Sorted(maps.Keys(scripts)) }

// Script returns what makes a shell complete natster's commands, and whether there is one for that shell.
func Script(shell string) (script string, ok bool) {
	script, ok = scripts[shell]
	return script, ok
}

// scripts ask natster itself; what it has no answer for is completed as a file name. Behind a directory no space is
// added, so that the next name can be typed.
var scripts = map[string]string{
	"bash": `# natster completion for bash
_natster() {
    local answer line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <(COMP_LINE=${line#"${COMP_WORDS[0]}"} "${COMP_WORDS[0]/#\~\//$HOME/}" \
        "${COMP_WORDS[@]:1:COMP_CWORD}" ` + word + `=bash 2>/dev/null)
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
    answers=("${(@f)$("${before[@]}" "${(Q)PREFIX}" ` + word + ` 2>/dev/null)}")
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
    $words "$plain" ` + word + ` 2>/dev/null
end
complete -c natster -f -n 'test (count (__natster_complete)) -gt 0' -a '(__natster_complete)'
`,
}
