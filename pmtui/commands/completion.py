"""`pmtui completion`: what a shell needs to complete words, with the ids of the processes that are there now."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from pmtui.cli import COMMANDS, module_of
from pmtui.commands.common import DONE, command_parser
from pmtui.commands.manage import manager_options

TAKE_IDS = ("info", "start", "stop", "restart", "signal", "logs", "events", "wait", "list")
FILES = ("-c", "--config", "--pmConfig")

BASH = """# pmtui: source <(pmtui completion bash)
_pmtui() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words config i
    case $before in -c|--config|--pmConfig) COMPREPLY=($(compgen -f -- "$word")); return;; esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in -c|--config|--pmConfig) config=${COMP_WORDS[i+1]};; esac
    done
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "@COMMANDS@ @MANAGE@" -- "$word"))
        return
    fi
    case $command in
@CASES@
        *) words="@MANAGE@";;
    esac
    case $command in
        @TAKE_IDS@)
            [[ $word == -* ]] || words="$words $(pmtui completion ids ${config:+-c "$config"} 2>/dev/null)";;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _pmtui pmtui
"""
ZSH = """#compdef pmtui
# pmtui: source <(pmtui completion zsh)
_pmtui() {
    local config place
    local -a ids options commands
    place=${words[(I)(-c|--config|--pmConfig)]}
    ((place)) && config=${words[place+1]}
    case ${words[CURRENT-1]} in -c|--config|--pmConfig) _files; return;; esac
    commands=(
@DESCRIBED@
    )
    if ((CURRENT == 2)); then
        _describe command commands
        compadd -- @MANAGE@
        return
    fi
    case ${words[2]} in
@ZCASES@
        *) options=(@MANAGE@);;
    esac
    compadd -- $options
    case ${words[2]} in
        @TAKE_IDS@)
            ids=(${(f)"$(pmtui completion ids ${config:+-c} $config 2>/dev/null)"})
            compadd -- $ids;;
    esac
}
compdef _pmtui pmtui
"""
FISH = """# pmtui: pmtui completion fish | source
function __pmtui_ids
    set -l words (commandline -opc)
    set -l place (contains -i -- -c $words; or contains -i -- --config $words; or contains -i -- --pmConfig $words)
    if test -n "$place"
        pmtui completion ids -c $words[(math $place + 1)] 2>/dev/null
    else
        pmtui completion ids 2>/dev/null
    end
end
@FISH_COMMANDS@
complete -c pmtui -n '__fish_seen_subcommand_from @FISH_IDS@' -f -a '(__pmtui_ids)'
"""


def parser() -> argparse.ArgumentParser:
    made = command_parser(
        "completion",
        "Prints what a shell has to read to complete commands, options and the ids of processes.",
        "source <(pmtui completion bash)       in ~/.bashrc",
        "source <(pmtui completion zsh)        in ~/.zshrc, after compinit",
        "pmtui completion fish > ~/.config/fish/completions/pmtui.fish",
    )
    made.add_argument("shell", choices=("bash", "zsh", "fish"))
    return made


def run(argv: Sequence[str]) -> int:
    if argv and argv[0] == "ids":
        return ids(argv[1:])
    shell = parser().parse_args(argv).shell
    sys.stdout.write({"bash": bash, "zsh": zsh, "fish": fish}[shell]())
    return DONE


def ids(argv: Sequence[str]) -> int:
    """What can stand where an id is meant, one a line; what the shells call."""
    from pmtui.commands.verb import ask, rows_of, verb_parser
    from pmtui.remote.client import Client

    def tell(client: Client) -> int:
        rows = rows_of(client)
        groups = dict.fromkeys(f"@{row.group}" for row in rows if row.group)
        sys.stdout.write("".join(f"{word}\n" for word in [*(row.id for row in rows), *groups]))
        return DONE

    return ask(verb_parser("completion ids", "").parse_args(argv), tell)


def bash() -> str:
    cases = "\n".join(f'        {name}) words="{" ".join(options(name))}";;' for name in COMMANDS)
    return filled(BASH, {"CASES": cases})


def zsh() -> str:
    cases = "\n".join(f"        {name}) options=({' '.join(options(name))});;" for name in COMMANDS)
    described = "\n".join(f"        '{name}:{does}'" for name, does in COMMANDS.items())
    return filled(ZSH, {"ZCASES": cases, "DESCRIBED": described})


def fish() -> str:
    return filled(FISH, {"FISH_COMMANDS": "\n".join(fish_lines()), "FISH_IDS": " ".join(TAKE_IDS)})


def fish_lines() -> Iterator[str]:
    for name, does in COMMANDS.items():
        yield f"complete -c pmtui -n __fish_use_subcommand -f -a {name} -d '{does}'"
        for option in options(name):
            yield fish_option(option, f"__fish_seen_subcommand_from {name}")
    for option in flags(manager_options()):
        yield fish_option(option, "__fish_use_subcommand")


def fish_option(option: str, when: str) -> str:
    kind = "-l" if option.startswith("--") else "-s"
    files = " -r -F" if option in FILES else ""
    return f"complete -c pmtui -n '{when}' {kind} {option.lstrip('-')}{files}"


def filled(script: str, parts: dict[str, str]) -> str:
    shared = {
        "COMMANDS": " ".join(COMMANDS),
        "MANAGE": " ".join(flags(manager_options())),
        "TAKE_IDS": "|".join(TAKE_IDS),
    }
    for name, text in (shared | parts).items():
        script = script.replace(f"@{name}@", text)
    return script


def options(command: str) -> list[str]:
    """The options of a command, and the words that can stand in it."""
    parser = import_module(module_of(command)).parser()
    words = [word for action in parser._actions if not action.option_strings for word in action.choices or ()]
    return [*flags(parser), *words]


def flags(parser: argparse.ArgumentParser) -> list[str]:
    return [flag for action in parser._actions if action.help != argparse.SUPPRESS for flag in action.option_strings]
