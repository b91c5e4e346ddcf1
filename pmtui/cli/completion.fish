# pmtui: pmtui completion fish | source
function __pmtui_words
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program pmtui
    string match -q '*/*' -- $words[1]; and set program (string replace -r '^~' $HOME -- $words[1])
    $program completion words $words[2..-1] "$word" 2>/dev/null
    or __fish_complete_path "$word"
end
complete -c pmtui -f -a '(__pmtui_words)'
