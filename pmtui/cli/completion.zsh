#compdef pmtui
# pmtui: source <(pmtui completion zsh)
_pmtui() {
    local found
    local -a offers
    local program=${(Q)words[1]/#\~/$HOME}
    [[ $program == */* ]] || program=pmtui
    if found=$($program completion words "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null); then
        offers=("${(@f)found}")
        offers=("${(@)offers/$'\t'/:}")
        [[ -n $found ]] && _describe pmtui offers
    else
        _files
    fi
}
compdef _pmtui pmtui
