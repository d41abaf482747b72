"""Completion scripts of three shells, from the tree of the command line."""

from collections.abc import Callable, Iterator, Mapping

from gemma4_operator.cli.tree import Branch, Option, Tree

FILE = "FILE"
"""What options that read or write a file call it."""
_FUNCTION = "_gemma4"
PLUGIN = "kubectl-gemma4"
"""The second name of the same program, as a plugin of kubectl."""


def bash(tree: Tree) -> str:
    """Return the script for bash 3.2 and later: macOS still has that one, without `mapfile` and `compopt`."""
    cases = "\n".join(line for branch in tree.branches for line in _bash_branch(branch))
    return _BASH.format(
        command=tree.command,
        plugin=PLUGIN,
        function=_FUNCTION,
        verbs=" ".join([*(branch.name for branch in tree.branches), *_flags(tree.options)]),
        cases=cases,
    )


_BASH = """\
# Completion of {command} for bash, made by `{command} completion bash`.
{function}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} verb= index line
  # Bash takes `--output=json` for three words.
  if [[ $before == "=" ]]; then before=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  if [[ $word == "=" ]]; then word=; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    if [[ ${{COMP_WORDS[index]}} != -* ]]; then verb=${{COMP_WORDS[index]}}; break; fi
  done
  {function}_words() {{ compgen -W "$1" -- "$word"; }}
  {function}_files() {{ compopt -o filenames 2>/dev/null; compgen -f -- "$word"; }}
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
    case $verb in
      "") {function}_words "{verbs}" ;;
{cases}
    esac
  )
}}
complete -F {function} {command} {plugin}
"""


def _bash_branch(branch: Branch) -> Iterator[str]:
    yield f"      {branch.name})"
    yield "        case $before in"
    for option in branch.options:
        if option.takes:
            yield f"          {'|'.join(option.flags)}) {_bash_values(option)} ;;"
    words = " ".join((*branch.choices, *_flags(branch.options)))
    yield f'          *) {_FUNCTION}_words "{words}" ;;'
    yield "        esac ;;"


def _bash_values(option: Option) -> str:
    if option.choices:
        return f'{_FUNCTION}_words "{" ".join(option.choices)}"'
    return f"{_FUNCTION}_files" if option.takes == FILE else ":"


def zsh(tree: Tree) -> str:
    """Return the script for zsh."""
    verbs = "\n".join(f"    {_quoted(f'{branch.name}:{branch.about}')}" for branch in tree.branches)
    cases = "\n".join(line for branch in tree.branches for line in _zsh_branch(branch))
    return _ZSH.format(
        command=tree.command,
        plugin=PLUGIN,
        function=_FUNCTION,
        options=" ".join(_zsh_option(option) for option in tree.options),
        verbs=verbs,
        cases=cases,
    )


_ZSH = """\
#compdef {command} {plugin}
# Completion of {command} for zsh, made by `{command} completion zsh`.
{function}() {{
  local context state state_descr line
  typeset -A opt_args
  local -a verbs=(
{verbs}
  )
  _arguments -C {options} '1: :->verb' '*:: :->rest' && return
  case $state in
    verb) _describe verb verbs ;;
    rest)
      case $words[1] in
{cases}
      esac ;;
  esac
}}
if [[ $funcstack[1] == {function} ]]; then {function} "$@"; else compdef {function} {command} {plugin}; fi
"""


def _zsh_branch(branch: Branch) -> Iterator[str]:
    specs = [_zsh_option(option) for option in branch.options]
    if branch.choices:
        specs.append(_quoted(f"1: :({' '.join(branch.choices)})"))
    yield f"        {branch.name}) _arguments {' '.join(specs)} ;;"


def _zsh_option(option: Option) -> str:
    about = option.about.replace("[", "(").replace("]", ")").replace(":", ",")
    values = f"({' '.join(option.choices)})" if option.choices else "_files" if option.takes == FILE else " "
    # A colon would end the name of what an option takes; of NAME[:KEY=VALUE] the first part says enough.
    value = f":{option.takes.partition('[')[0]}:{values}" if option.takes else ""
    before = "*" if option.repeats else f"({' '.join(option.flags)})"
    return " ".join(_quoted(f"{before}{flag}[{about}]{value}") for flag in option.flags)


def fish(tree: Tree) -> str:
    """Return the script for fish."""
    lines = [f"# Completion of {tree.command} for fish, made by `{tree.command} completion fish`."]
    for command in (tree.command, PLUGIN):
        lines.append(f"complete -c {command} -f")
        lines += (f"complete -c {command} -n __fish_use_subcommand {_fish(option)}" for option in tree.options)
        for branch in tree.branches:
            about = _quoted(branch.about)
            lines.append(f"complete -c {command} -n __fish_use_subcommand -a {branch.name} -d {about}")
            seen = _quoted(f"__fish_seen_subcommand_from {branch.name}")
            if branch.choices:
                lines.append(f"complete -c {command} -n {seen} -a {_quoted(' '.join(branch.choices))}")
            lines += (f"complete -c {command} -n {seen} {_fish(option)}" for option in branch.options)
    return "\n".join(lines) + "\n"


def _fish(option: Option) -> str:
    names = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    if option.choices:
        values = f" -x -a {_quoted(' '.join(option.choices))}"
    else:
        values = " -r -F" if option.takes == FILE else " -x" if option.takes else ""
    return f"{names}{values} -d {_quoted(option.about)}"


def _flags(options: tuple[Option, ...]) -> Iterator[str]:
    return (flag for option in options for flag in option.flags)


def _quoted(text: str) -> str:
    """Return a text in single quotes, for any of the shells."""
    return "'" + text.replace("\\", "").replace("'", "\u2019") + "'"


SHELLS: Mapping[str, Callable[[Tree], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
