#compdef tare
# Completion of tare for zsh. For this shell alone: source <(tare completion zsh)
# The program answers with a line for each candidate; what begins with a colon is for this script.
_tare() {
    local answer word
    local -a typed found options
    typed=("${(@Q)words[2,CURRENT]}")
    for answer in "${(@f)$("${(Q)words[1]}" __complete zsh "${typed[@]}" 2>/dev/null)}"; do
        case $answer in
            :files) compset -P '--*='; _files ;;
            :directories) compset -P '--*='; _files -/ ;;
            :nospace) options=(-S '') ;;
            ?*)
                word=${answer%%$'\t'*}
                found+=("${word//:/\\:}:${answer#*$'\t'}")
                ;;
        esac
    done
    (( $#found )) && _describe 'tare' found "${options[@]}"
}
compdef _tare tare
# Found by its name in a directory of $fpath, it is run for the first time by being read.
[ "$funcstack[1]" = _tare ] && _tare
