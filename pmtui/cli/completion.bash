# pmtui: source <(pmtui completion bash)
_pmtui() {
    local line=${COMP_LINE:0:COMP_POINT} words found
    local word=${line##*[[:space:]]}
    read -a words <<< "$line"
    [[ $word ]] || words+=("")
    local program=${words[0]/#\~/$HOME}
    [[ $program == */* ]] || program=pmtui
    if found=$("$program" completion words "${words[@]:1}" 2>/dev/null); then
        mapfile -t COMPREPLY < <(cut -f 1 <<< "$found")
        [[ $found ]] || COMPREPLY=()
        local part=${COMP_WORDS[COMP_CWORD]#=}
        COMPREPLY=("${COMPREPLY[@]#"${word%"$part"}"}")
    else
        compopt -o default
    fi
}
complete -F _pmtui pmtui
